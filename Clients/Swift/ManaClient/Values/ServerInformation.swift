internal import ManaProtocol

/// What the server said about itself when a connection was made.
public struct ServerInformation: Hashable, Sendable {
  /// The ledger; its id never changes.
  public var ledger: LedgerID
  /// Name and version of the server.
  public var name: String
  /// This run of the server; new at each of its starts.
  public var instance: ServerInstanceID
  /// The version of the protocol that is spoken.
  public var protocolVersion: Int
  /// Over how many shards accounts are spread.
  public var shardCount: Int
  /// Most transactions in a request; ``ManaClient/post(_:atomic:deadline:)`` splits larger batches.
  public var itemsMax: Int
  /// Largest frame in bytes.
  public var frameBytesMax: Int
  /// Most transactions in a page.
  public var pageMax: Int
  /// Most unanswered requests on a connection.
  public var requestsInFlightMax: Int
  /// Most bytes of unanswered requests on a connection.
  public var bytesInFlightMax: Int
  /// The server's clock when the connection was made.
  public var time: Timestamp
}

extension ServerInformation {
  init(_ welcome: Welcome) {
    ledger = LedgerID(welcome.ledger)
    name = welcome.serverName
    instance = ServerInstanceID(welcome.instance)
    protocolVersion = Int(welcome.version)
    shardCount = welcome.shardCount
    itemsMax = min(welcome.itemsMax, Limits.itemsMax)
    frameBytesMax = min(welcome.frameBytesMax, Limits.frameBytesMax)
    pageMax = min(welcome.pageMax, Limits.pageMax)
    requestsInFlightMax = welcome.requestsInFlightMax
    bytesInFlightMax = welcome.bytesInFlightMax
    time = Timestamp(nanoseconds: welcome.time)
  }
}
