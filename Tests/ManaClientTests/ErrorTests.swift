import ManaProtocol
import Testing

@testable import ManaClient

@Suite("Errors and refusals") struct ErrorTests {
  @Test("Every refusal explains itself", arguments: Status.allCases.filter { $0 != .ok && $0.rawValue < 256 })
  func explained(status: Status) {
    let refusal = Refusal(
      transactionID: 9, account: 42, status: status, amount: Mana("1.5")!, balance: Mana("0.25")!,
      conflictField: status == .idConflict ? .amount : nil)
    #expect(refusal.description.hasPrefix("\(status.name): "))
    #expect(refusal.description.count > status.name.count + 10, "\(refusal)")
    #expect(ManaError(refusal).execution == .notExecuted && ManaError(refusal).code == .refused)
  }

  @Test(
    "The figures are in the sentence",
    arguments: [
      (Status.insufficientBalance, "the balance of account 42 is 0.25 Mana, the spend takes 1.5"),
      (.idConflict, "account 42 already has a transaction 9 with another amount"),
      (.accountUnknown, "no purchase or bonus has created account 42 yet"),
    ])
  func figures(status: Status, sentence: String) {
    let refusal = Refusal(
      transactionID: 9, account: 42, status: status, amount: Mana("1.5")!, balance: Mana("0.25")!,
      conflictField: .amount)
    #expect(refusal.description == "\(status.name): \(sentence)")
  }

  @Test(
    "What a refused request means for its call",
    arguments: [
      (Status.overloaded, FrameHeader.Flags([.notExecuted, .retryable]), ManaError.Code.requestRefused, true),
      (.diskFull, [.notExecuted, .retryable], .requestRefused, true),
      (.shuttingDown, [.notExecuted, .retryable], .requestRefused, true),
      (.deadlineExceeded, [.notExecuted], .deadlineExceeded, true),
      (.malformedBody, [.notExecuted], .requestRefused, false),
      (.accountUnknown, [.notExecuted], .refused, false),
      (.transactionUnknown, [.notExecuted], .refused, false),
    ] as [(Status, FrameHeader.Flags, ManaError.Code, Bool)])
  func requests(status: Status, flags: FrameHeader.Flags, code: ManaError.Code, isRetryable: Bool) {
    let header = FrameHeader(opcode: 0x90, correlation: 1, flags: flags, status: status, microseconds: 20_000)
    let error = ManaError(refusedRequest: header, body: ErrorBody(text: "too\nmany"), transactionID: 9)
    #expect(error.code == code && error.execution == .notExecuted && error.status == status)
    #expect(error.isRetryable == isRetryable && error.retryAfter == .milliseconds(20) && error.transactionID == 9)
    #expect(error.description.contains("\(status.name): too many"), "a line break of the server's is none of a log's")
  }

  @Test("A description says what happened, what became of the call, and why")
  func description() {
    let cause = ManaError(.notConnected, execution: .notExecuted, message: "connecting failed")
    let error = ManaError(
      .connectionLost, execution: .unknown, message: "it ended", transactionID: 9, retryAfter: .seconds(1),
      cause: cause)
    #expect(
      error.description
        == "connectionLost: it ended [execution unknown; repeating it with the same id is safe; transaction 9; retry "
        + "after 1.0 seconds], because of notConnected: connecting failed [not executed]")
  }
}
