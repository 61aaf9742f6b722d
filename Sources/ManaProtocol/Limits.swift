/// Every limit of the protocol, with its unit and its reason. `Protocol/PROTOCOL.md` section 10 lists the same values,
/// and a test compares the two.
public enum Limits {
  /// Largest frame, header included, in bytes: a frame is held in memory whole.
  public static let frameBytesMax = 1 << 20

  /// Largest `hello` frame, in bytes: what is accepted before anyone is known.
  public static let helloBytesMax = 4_096

  /// Most items in a batch: with header and prelude they stay just below 512 KiB.
  public static let itemsMax = 8_190

  /// Most transactions in one page: with the longest texts they fit a frame.
  public static let pageMax = 1_000

  /// Most unanswered requests on one connection.
  public static let requestsInFlightMax = 1_024

  /// Most bytes of unanswered requests, and of unread replies, on one connection.
  public static let bytesInFlightMax = 8 << 20

  /// Longest reference and longest note, in bytes of UTF-8: the length is one byte.
  public static let textBytesMax = 255

  /// Longest body of a ping, in bytes.
  public static let pingBytesMax = 64

  /// Shortest settlement timeout, in milliseconds: shorter than a second, a network hiccup would refund a success.
  public static let settlementMillisecondsMin: UInt64 = 1_000

  /// Longest settlement timeout, in milliseconds: 30 days.
  public static let settlementMillisecondsMax: UInt64 = 2_592_000_000

  /// Time from connecting to a complete `hello`, in milliseconds.
  public static let handshakeMilliseconds = 5_000

  /// Smallest `frameBytesMax` that a client may announce, in bytes.
  public static let clientFrameBytesMin = 65_536

  /// Largest amount, in micromana: a balance is a signed 64-bit number.
  public static let amountMax = UInt64(Int64.max)
}
