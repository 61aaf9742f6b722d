/// The bounds of this module. A test checks how they relate to one another.
enum Limits {
  /// Payload bytes of each class of pooled buffer, smallest first.
  ///
  /// 4 KiB is what an unfinished small frame costs while it waits for its rest, so ten thousand dribbling peers
  /// hold 40 MB. 64 KiB is a socket's usual receive window; 256 KiB a full turn of a busy connection; the largest
  /// holds a frame of 1 MiB and the beginning of the next.
  static let bufferBytes: InlineArray<4, Int> = [4 << 10, 64 << 10, 256 << 10, (1 << 20) + (64 << 10)]

  /// How many free buffers of each class a loop keeps for reuse; what comes back beyond that is freed.
  ///
  /// Together 1 + 4 + 4 + 8.5 MiB a loop: enough that a steady load allocates nothing.
  static let buffersKept: InlineArray<4, Int> = [256, 64, 16, 8]

  /// What stands before a buffer's payload: its bookkeeping and the write request that may carry it.
  static let bufferHeaderBytes = 256

  /// The largest input a connection may gather before it has to be consumed, unless the options say otherwise.
  static let inputBytesMax = (1 << 20) + (64 << 10)

  /// Below this much free room at the end of a buffer, moving its content is cheaper than a short read.
  static let inputRoomBytesMin = 2 << 10

  /// The most plaintext that one TLS record carries.
  static let recordBytesMax = 16 << 10

  /// A connection whose backlog falls below this is reported as drained.
  static let outputLowWaterBytes = 256 << 10

  /// How many buffers one system call writes; a chain that is longer takes several calls.
  static let buffersPerWrite = 16

  /// How many connections one listener accepts in one iteration, so that a flood of them cannot starve the rest.
  static let acceptsPerTurn = 128

  /// How long a listener rests after the process ran out of descriptors or memory.
  static let acceptPauseMilliseconds: UInt64 = 100

  /// How long a connection that is being closed may take to send what is pending and to be closed by its peer.
  static let flushTimeoutMilliseconds: UInt64 = 5_000

  /// How often deadlines of connections are looked at; they are coarse, so that no connection needs a timer.
  static let sweepIntervalMilliseconds: UInt64 = 250
}
