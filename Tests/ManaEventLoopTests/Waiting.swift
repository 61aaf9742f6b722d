import Glibc
import Synchronization
import Testing

/// Opens once; whoever waits for it then goes on.
final class Latch: Sendable {
  private let isOpen = Atomic(false)

  func open() {
    isOpen.store(true, ordering: .releasing)
  }

  func wait() {
    while !isOpen.load(ordering: .acquiring) { usleep(200) }
  }
}

/// Something that was awaited did not happen for so long that it never will.
struct NeverHappened: Error {}

/// Waits for something that is bound to happen. The limit is no expectation of speed: it ends a test that would hang.
func waitFor(
  _ what: Comment, location: SourceLocation = #_sourceLocation, _ condition: () -> Bool
) throws {
  for _ in 0..<60_000 {
    if condition() { return }
    usleep(500)
  }
  Issue.record("never happened: \(what)", sourceLocation: location)
  throw NeverHappened()
}

/// SplitMix64: the same seed gives the same test.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) {
    state = seed
  }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}

/// Bytes of which each says where it stands, so that a lost, doubled or moved one shows.
func pattern(_ count: Int, from offset: Int = 0) -> [UInt8] {
  Array(wholePattern[offset..<offset + count])
}

/// Made once: a debug build takes a second for it.
private let wholePattern = [UInt8](unsafeUninitializedCapacity: 25 << 20) { bytes, count in
  var number = 0
  while number < 25 << 20 {
    bytes[number] = UInt8(truncatingIfNeeded: number &* 31 &+ number >> 8 &+ number >> 16)
    number += 1
  }
  count = number
}

/// Lets this process have as many descriptors as the system allows.
func raiseDescriptorLimit() {
  var limit = rlimit()
  getrlimit(__rlimit_resource_t(7), &limit)
  limit.rlim_cur = limit.rlim_max
  setrlimit(__rlimit_resource_t(7), &limit)
}
