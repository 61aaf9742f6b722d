/// How the torture is dosed.
enum TortureLimits {
  /// At a time: each has a disk of its own and some gigabytes of address space.
  static let lanesMax = 64
  /// How long a load posts, in seconds: some twenty servers.
  static let loadSeconds = 6.0
  /// Before the end of that nothing is killed any more, in seconds, so that the verification is left in peace.
  static let calmSeconds = 0.5
  /// What creating the accounts is given, in seconds. A load whose accounts take longer gives no verdict.
  static let setUpSeconds = 0.5
  /// Of a segment, and between two checkpoints: a load goes through several.
  static let segmentBytes = 4 << 20
  /// Loads on one ledger.
  static let roundsPerLedger = 4
  /// Of the disk whose power is cut: room for the segments of a ledger, and most of it never written.
  static let diskBytes = 4 << 30
  /// One server in so many has a fault.
  static let serversPerFault = 4
  /// One server in so many is ended `earlySeconds` after its start at most.
  static let serversPerEarlyKill = 6
  static let earlySeconds = 0.04
  /// The longest that a server may live once it is ready, in seconds.
  static let lifeSeconds = 0.3
  /// With a fault, which needs some calls before it happens.
  static let faultyLifeSeconds = 1.0
  /// How long a tracer is given to write down the end of its program, in seconds.
  static let traceSeconds = 2.0
  static let lookNanoseconds: UInt64 = 1_000_000
  /// How long a load may take to its verdict when nothing disturbs it any more, in seconds.
  static let verdictSeconds = 120.0
  /// What the server ends with when a disk fails.
  static let diskFailureStatus: Int32 = 74
  /// What the load ends with when a connection that it cannot do without is cut.
  static let loadCutStatus: Int32 = 69
}
