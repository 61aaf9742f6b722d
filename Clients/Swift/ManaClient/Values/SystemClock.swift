#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The system's wall clock in nanoseconds since 1970.
func systemNanoseconds() -> UInt64 {
  var time = timespec()
  let result = clock_gettime(CLOCK_REALTIME, &time)
  precondition(result == 0, "the system has a wall clock")
  return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}
