/// Every limit of the load tester, with its unit and its reason.
enum LoadLimits {
  /// Most connections: one thread polls them all, and a poll is linear in their number.
  static let connectionsMax = 1_024

  /// Most accounts. Their ids are computed, not stored; the bound keeps set-up and verification to minutes.
  static let accountsMax = 10_000_000

  /// Most connections that dribble: more than the ports that one address has for one server.
  static let slowConnectionsMax = 60_000

  /// Files that the load tester opens beside those of its slow connections: measured connections, reports.
  static let descriptorsBesideSlowConnections = 1_100

  /// In how many turns a second the slow connections send their bytes: few enough to cost little, many enough for no
  /// burst. Of ten thousand, ten send in a turn; callers that know nothing of each other would seldom do it in hundreds.
  static let slowTurnsPerSecond = 1_000

  /// What set-up gives each account, in micromana: 10,000,000,000 Mana. It pays for 10^12 combinations of 0.01 Mana on
  /// one account, and leaves room below 2^63 for every purchase and refund that a run can add.
  static let fundingMicromana: UInt64 = 10_000_000_000_000_000

  /// How long a run waits, with requests in flight, for any byte of a reply before it gives up, in nanoseconds.
  static let stallNanoseconds: UInt64 = 30_000_000_000

  /// How long a cut connection is dialled again before the run gives up, in nanoseconds: a server recovers some two
  /// million transactions a second before it listens, and a journal may hold hundreds of millions.
  static let reconnectNanoseconds: UInt64 = 120_000_000_000

  /// Pause between two attempts to connect, in nanoseconds.
  static let reconnectPauseNanoseconds: UInt64 = 50_000_000

  /// How long one attempt to connect and shake hands may take, in nanoseconds.
  static let handshakeNanoseconds: UInt64 = 5_000_000_000

  /// Bytes after which encoded frames are handed to the kernel before the next one is encoded, so that the server works
  /// on the first frame while the second is made.
  static let sendEarlyBytes = 64 << 10

  /// Most frames in one system call; POSIX lets a kernel refuse more than 1,024.
  static let framesPerSend = 256

  /// What a connection's input buffer holds at first, in bytes. It grows to the largest reply.
  static let inputBytes = 256 << 10

  /// An open loop that is due within this many nanoseconds asks the kernel without waiting: a sleeping thread is woken
  /// some 60 µs late, and that would be counted as the server's latency.
  static let spinNanoseconds: UInt64 = 60_000

  /// Batches in flight during set-up, as far as the server allows.
  static let setUpInFlight = 4

  /// Requests in flight during a verification: they are small, and every server takes as many.
  static let verificationInFlight = 64

  /// Acknowledged spends that `mixed` remembers in order to refund them. A full ring forgets the oldest.
  static let refundableSpends = 1 << 16

  /// Latencies up to this many nanoseconds (one hour) are told apart; longer ones count as this.
  static let latencyNanosecondsMax: UInt64 = 3_600_000_000_000

  /// Accounts that a failed verification names; the rest is counted.
  static let mismatchesNamed = 20

  /// Points of a chart. A longer run is drawn with the mean of neighbouring seconds.
  static let chartPoints = 600
}
