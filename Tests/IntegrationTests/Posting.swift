import ManaProtocol

/// A caller that posts batches over a raw connection and remembers what was acknowledged.
struct Caller {
  let connection: RawConnection
  let account: UInt128
  private(set) var acknowledged = 0
  private var correlation: UInt64 = 0

  init(_ server: ServerProcess, account: UInt128, token: String? = nil) throws {
    try self.init(port: server.port, account: account, token: token)
  }

  init(port: UInt16, account: UInt128, token: String? = nil) throws {
    connection = try RawConnection(port: port)
    try connection.shakeHands(Hello(instance: 1, clientName: "test", token: token))
    self.account = account
  }

  /// Sends one request and waits for its reply.
  mutating func call(_ opcode: Opcode, _ body: [UInt8]) throws -> (header: FrameHeader, body: [UInt8]) {
    correlation += 1
    try connection.send(frame(opcode, correlation: correlation, body: body))
    return try connection.receiveFrame()
  }

  /// Posts items and gives their results.
  mutating func post(
    _ items: [Item], texts: [String] = [], flags: BatchFlags = [.fullResults], opcode: Opcode = .post
  ) throws -> [ItemResult] {
    let reply = try call(opcode, batchBody(items, texts: texts, flags: flags))
    guard reply.header.status == 0 else { throw RawConnection.Closed() }
    let results = try reply.body.withUnsafeBytes { bytes in
      let view = try BatchReplyView(reading: bytes)
      return (0..<view.count).compactMap { view[$0] }
    }
    acknowledged += results.count { $0.status == .ok && !$0.replayed }
    return results
  }

  /// Opens the account, or adds to it.
  mutating func credit(_ amount: UInt64, id: UInt128) throws -> ItemResult {
    try post([Item(id: id, account: account, amount: amount, type: .bonus, operation: .bonus)])[0]
  }

  /// A spend of one micromana.
  func spend(id: UInt128, amount: UInt64 = 1, operation: ManaProtocol.Operation = .combination) -> Item {
    Item(id: id, account: account, amount: amount, type: .spend, operation: operation)
  }

  /// Balance and number of transactions.
  mutating func overview() throws -> AccountOverview {
    var body = [UInt8](repeating: 0, count: 16)
    body.withUnsafeMutableBytes { $0.baseAddress!.store(u128: account, 0) }
    let reply = try call(.getAccount, body)
    return try reply.body.withUnsafeBytes { try AccountOverview(reading: $0) }
  }
}
