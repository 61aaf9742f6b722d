import CLibuv
import Glibc

/// The time of day in nanoseconds since 1970-01-01T00:00:00Z. It may jump when the system's clock is set.
@Sendable
public func wallClockNanoseconds() -> UInt64 {
  var time = timespec()
  clock_gettime(CLOCK_REALTIME, &time)
  return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

/// The clock that never goes back and is not set, in microseconds since some moment: CLOCK_MONOTONIC.
public func monotonicMicroseconds() -> UInt64 {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return UInt64(time.tv_sec) * 1_000_000 + UInt64(time.tv_nsec) / 1_000
}
