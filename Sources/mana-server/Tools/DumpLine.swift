import ManaJournal
import ManaLedger
import ManaProtocol
import ManaText

/// How a dump shows what it meets, for people and as JSON. Keys and their forms do not change.
enum DumpLine {
  // MARK: JSON

  static func json(_ block: FoundBlock) -> JSONObject {
    var line = JSONObject()
    line.add("kind", "block")
    line.add("shard", block.place.shard)
    line.add("block", block.number)
    line.add("file", block.place.file)
    line.add("byte", block.place.byte)
    line.add("byteLength", block.byteLength)
    line.add("epoch", block.epoch)
    line.add("term", block.term)
    line.add("durableBlock", block.durableNumber)
    line.add("firstPosition", block.firstPosition)
    line.add("records", block.recordCount)
    line.add("timestamp", ToolText.time(block.timestamp))
    line.add("digest", ToolText.hexadecimal(block.digest))
    line.add("whole", block.isWhole)
    if let doubt = block.doubt { line.add("doubt", doubt) }
    return line
  }

  static func json(_ record: RecordContent, shard: Int, block: UInt64) -> JSONObject {
    var line = JSONObject()
    line.add("kind", "record")
    line.add("shard", shard)
    line.add("block", block)
    line.add("position", record.position)
    line.add("type", record.kind?.rawValue ?? "type \(record.item.type)")
    if let origin = record.origin { line.add("postedBy", origin.rawValue) }
    line.add("id", ToolText.id(record.item.id))
    line.add("account", ToolText.id(record.item.account))
    if let spend = record.relatedSpend { line.add("relatedTransaction", ToolText.id(spend)) }
    if let timeout = record.timeoutMilliseconds { line.add("settlementTimeoutMilliseconds", timeout) }
    line.add("amount", ToolText.mana(record.change))
    line.add("operation", record.operationName)
    if record.item.quantity > 0 { line.add("quantity", record.item.quantity) }
    if !record.flagNames.isEmpty { line.add("flags", record.flagNames) }
    line.add("balanceAfter", ToolText.mana(record.balanceAfter))
    line.add("timestamp", ToolText.time(record.timestamp))
    line.add("sequence", record.sequence)
    line.add("previous", record.previous)
    line.add("jump", record.jump)
    if !record.reference.isEmpty { line.add("reference", record.reference) }
    if !record.note.isEmpty { line.add("note", record.note) }
    return line
  }

  static func json(unknown place: JournalPlace, _ byteCount: Int) -> JSONObject {
    var line = JSONObject()
    line.add("kind", "unknown")
    line.add("shard", place.shard)
    line.add("file", place.file)
    line.add("byte", place.byte)
    line.add("byteLength", byteCount)
    return line
  }

  // MARK: Text

  static func text(_ block: FoundBlock) -> String {
    var line = "shard \(block.place.shard) block \(block.number)  \(ToolText.time(block.timestamp))  "
    line += "\(ToolText.count(block.recordCount, "record")), segment \(block.place.segment) byte \(block.place.byte), "
    line += "\(ToolText.count(block.byteLength, "byte")), epoch \(block.epoch), durable \(block.durableNumber), "
    line += "digest \(ToolText.hexadecimal(block.digest))"
    if let doubt = block.doubt { line += "  DOUBT: \(doubt)" }
    return line
  }

  static func text(_ record: RecordContent) -> String {
    var parts = [
      "  @\(record.position)", record.kind?.rawValue ?? "type \(record.item.type)", record.operationName,
      record.change > 0 ? "+\(ToolText.mana(record.change))" : ToolText.mana(record.change),
      "balance \(ToolText.mana(record.balanceAfter))", "account \(ToolText.id(record.item.account))",
      "id \(ToolText.id(record.item.id))",
    ]
    if record.sequence > 0 { parts.append("#\(record.sequence)") }
    parts.append(ToolText.time(record.timestamp))
    if let spend = record.relatedSpend { parts.append("of \(ToolText.id(spend))") }
    if let timeout = record.timeoutMilliseconds { parts.append("settle within \(timeout) ms") }
    if record.item.quantity > 0 { parts.append("×\(record.item.quantity)") }
    if let origin = record.origin { parts.append("by \(origin.rawValue)") }
    parts += record.flagNames
    parts.append("previous @\(record.previous) jump @\(record.jump)")
    if !record.reference.isEmpty { parts.append("[\(ToolText.printable(record.reference))]") }
    if !record.note.isEmpty { parts.append("(\(ToolText.printable(record.note)))") }
    return parts.joined(separator: "  ")
  }

  static func text(unknown place: JournalPlace, _ byteCount: Int) -> String {
    "shard \(place.shard)  UNKNOWN: \(ToolText.count(byteCount, "byte")) at segment \(place.segment) byte "
      + "\(place.byte) are no block"
  }
}

extension RecordContent {
  /// What it does to the balance, in micromana.
  var change: Int64 {
    switch kind {
    case .spend: -Int64(clamping: item.amount)
    case .purchase, .refund, .bonus: Int64(clamping: item.amount)
    case .settlement, .tombstone, nil: 0
    }
  }

  var operationName: String { ManaProtocol.Operation(rawValue: item.operation)?.name ?? "operation \(item.operation)" }

  /// The spend that a refund, a settlement or a tombstone names.
  var relatedSpend: UInt128? { kind == .spend || item.related == 0 ? nil : item.related }

  /// Within which an unsettled spend is to be settled.
  var timeoutMilliseconds: UInt128? { kind == .spend && item.flags.contains(.unsettled) ? item.related : nil }

  var flagNames: [String] {
    var names: [String] = []
    if item.flags.contains(.remaining) { names.append("remaining") }
    if item.flags.contains(.voidIfUnknown) { names.append("voidIfUnknown") }
    if kind == .spend, item.flags.contains(.unsettled) { names.append("unsettled") }
    return names
  }
}
