import ManaProtocol

/// One transaction of a file to post, checked, its texts still where they lie in the file's buffer.
struct PostLine {
  /// Number of the line in the file, from 1.
  var line = 0
  /// Nil when the file names none.
  var id: UInt128?
  var account: UInt128
  var type: TransactionType
  var operation: ManaProtocol.Operation
  /// In micromana.
  var amount: UInt64
  var quantity: UInt32
  /// The spend that a refund returns; zero for other types.
  var related: UInt128
  /// UTF-8, checked. Valid until the next line is read, like the note.
  var reference: UnsafeRawBufferPointer
  var note: UnsafeRawBufferPointer
}

extension PostLine {
  /// Checks each field of a record, in the order in which people would read them. Linear, without allocation.
  init(_ fields: PostFields) throws(RecordError) {
    for column in PostColumn.required where fields[column].isEmpty {
      throw RecordError("the \(column.name) is missing", at: fields.offset(of: column))
    }
    account = try fields.identifier(.account)
    type = try fields.type()
    operation = try fields.operation(of: type)
    amount = try fields.amount(of: type)
    quantity = try fields.quantity(of: type)
    id = fields[.id].isEmpty ? nil : try fields.identifier(.id)
    related = try fields.related(of: type)
    reference = try fields.text(.reference)
    note = try fields.text(.note)
  }
}

extension PostFields {
  /// An id that is there: an unsigned integer or a UUID, not zero.
  fileprivate func identifier(_ column: PostColumn) throws(RecordError) -> UInt128 {
    guard let number = parseIdentifier(self[column]) else {
      throw RecordError(
        "the \(column.name) '\(printable(self[column]))' is neither an unsigned integer nor a UUID",
        at: offset(of: column))
    }
    guard number != 0 else { throw RecordError("the \(column.name) is zero", at: offset(of: column)) }
    return number
  }

  fileprivate func type() throws(RecordError) -> TransactionType {
    for type in TransactionType.recorded where self[.type].elementsEqual(type.name.utf8) { return type }
    throw RecordError(
      "the type '\(printable(self[.type]))' is none of \(TransactionType.recorded.map(\.name).joined(separator: ", "))",
      at: offset(of: .type))
  }

  /// The operation, which for all types but spends follows from the type.
  fileprivate func operation(of type: TransactionType) throws(RecordError) -> ManaProtocol.Operation {
    let bytes = self[.operation]
    if bytes.isEmpty {
      switch type {
      case .purchase: return .purchase
      case .refund: return .refund
      case .bonus: return .bonus
      default: throw RecordError("a spend without an operation", at: offset(of: .operation))
      }
    }
    let known = ManaProtocol.Operation.allCases
    guard let operation = known.first(where: { bytes.elementsEqual($0.name.utf8) }) else {
      throw RecordError(
        "the operation '\(printable(bytes))' is none of \(known.map(\.name).joined(separator: ", "))",
        at: offset(of: .operation))
    }
    guard operation.type == type else {
      throw RecordError("the operation \(operation.name) does not belong to a \(type.name)", at: offset(of: .operation))
    }
    return operation
  }

  /// The amount in micromana; a sign may be given, and then is the type's.
  fileprivate func amount(of type: TransactionType) throws(RecordError) -> UInt64 {
    let bytes = self[.amount]
    let place = offset(of: .amount)
    var digits = bytes[...]
    if let first = digits.first, first == UInt8(ascii: "-") || first == UInt8(ascii: "+") {
      guard (first == UInt8(ascii: "-")) == (type == .spend) else {
        throw RecordError("the amount \(printable(bytes)) has the wrong sign for a \(type.name)", at: place)
      }
      digits = digits.dropFirst()
    }
    switch parseAmount(UnsafeRawBufferPointer(rebasing: digits)) {
    case .success(0): throw RecordError("the amount is zero", at: place)
    case .success(let amount): return amount
    case .failure(let reason):
      throw RecordError("the amount '\(printable(bytes))' \(reason.description)", at: place)
    }
  }

  fileprivate func quantity(of type: TransactionType) throws(RecordError) -> UInt32 {
    let bytes = self[.quantity]
    if bytes.isEmpty { return 0 }
    guard type != .refund else { throw RecordError("a refund has no quantity", at: offset(of: .quantity)) }
    guard let number = parseInteger(bytes), let quantity = UInt32(exactly: number) else {
      throw RecordError(
        "the quantity '\(printable(bytes))' is not a whole number up to \(UInt32.max)", at: offset(of: .quantity))
    }
    return quantity
  }

  fileprivate func related(of type: TransactionType) throws(RecordError) -> UInt128 {
    guard self[.related].isEmpty else {
      guard type == .refund else {
        throw RecordError("only a refund has a related transaction", at: offset(of: .related))
      }
      return try identifier(.related)
    }
    guard type != .refund else {
      throw RecordError("a refund names the spend that it returns as 'related'", at: offset(of: .related))
    }
    return 0
  }

  fileprivate func text(_ column: PostColumn) throws(RecordError) -> UnsafeRawBufferPointer {
    let bytes = self[column]
    guard bytes.count <= Limits.textBytesMax else {
      throw RecordError(
        "the \(column.name) has \(bytes.count) bytes, the most is \(Limits.textBytesMax)", at: offset(of: column))
    }
    if !bytes.allSatisfy({ $0 < 0x80 }), String(validating: bytes, as: UTF8.self) == nil {
      throw RecordError("the \(column.name) is not UTF-8", at: offset(of: column))
    }
    return bytes
  }
}
