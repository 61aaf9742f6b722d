import GRPCCore

/// A charge as both ends pass it on: bytes of the same number as a Mana request and reply of one transaction, which
/// nobody looks into. Hand-written, so that nothing has to be generated; a generated message costs more.
struct Charge: Sendable {
  /// Body of a request of one transaction.
  static let requestBytes = 80
  /// Body of its reply.
  static let replyBytes = 32

  static let method = MethodDescriptor(fullyQualifiedService: "mana.Ledger", method: "Spend")

  var bytes: [UInt8]

  static let request = Charge(bytes: [UInt8](repeating: 1, count: requestBytes))
  static let reply = Charge(bytes: [UInt8](repeating: 2, count: replyBytes))
}

/// The bytes as they are, both ways.
struct ChargeCoding: MessageSerializer, MessageDeserializer {
  func serialize<Bytes: GRPCContiguousBytes>(_ message: Charge) throws -> Bytes { Bytes(message.bytes) }

  func deserialize<Bytes: GRPCContiguousBytes>(_ serializedMessageBytes: Bytes) throws -> Charge {
    Charge(bytes: serializedMessageBytes.withUnsafeBytes { Array($0) })
  }
}
