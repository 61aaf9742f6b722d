import ArgumentParser
@testable import ManaClient
import ManaProtocol
import Testing

@testable import mana

@Suite("How failed commands end")
struct FailureTests {
  static let elsewhere = ManaAddress("ledger.example.com:7420")!

  static let refusal = Refusal(
    transactionID: 7, account: 42, status: .insufficientBalance, amount: 5, balance: 1)

  @Test func aRefusalSaysWhyAndEndsWith2() {
    let error = ManaError(
      .refused, execution: .notExecuted, message: "m", status: .insufficientBalance, refusal: Self.refusal)
    let failure = Failure(error, address: Self.elsewhere)
    #expect(failure.exitCode == ExitCode(2))
    #expect(
      failure.message == "refused: insufficientBalance: the balance of account 42 is 1.0 Mana, the spend takes 5.0")
    #expect(
      failure.json?.description == #"{"status":"insufficientBalance","#
        + #""message":"the balance of account 42 is 1.0 Mana, the spend takes 5.0"}"#)
  }

  @Test(arguments: [
    (ManaError.Code.notConnected, Status?.none, 69 as Int32), (.connectionLost, nil, 69), (.deadlineExceeded, nil, 69),
    (.handshakeFailed, nil, 69), (.notManaServer, nil, 69), (.invalidArgument, nil, 64),
    (.requestRefused, .accountUnknown, 2), (.requestRefused, .invalidFilter, 2), (.requestRefused, .overloaded, 69),
    (.requestRefused, .diskFull, 69),
  ])
  func statuses(code: ManaError.Code, status: Status?, expected: Int32) {
    let error = ManaError(code, execution: .notExecuted, message: "m", status: status)
    #expect(Failure(error, address: Self.elsewhere).exitCode == ExitCode(expected))
  }

  @Test func anUnreachableServerIsAnsweredWithWhatToDo() {
    let cause = ManaError(.notConnected, execution: .notExecuted, message: "connection refused")
    let error = ManaError(.notConnected, execution: .notExecuted, message: "no connection", cause: cause)
    let here = Failure(error, address: ServerOptions.defaultAddress)
    #expect(here.message.hasPrefix("127.0.0.1:7420: no connection: connection refused\n"))
    #expect(here.message.contains("Start it with `mana-server`"))
    #expect(here.json == nil)
    #expect(Failure(error, address: Self.elsewhere).message.contains("--server or MANA_SERVER"))
  }

  @Test func aCallOfUnknownFateNamesTheIDToRepeatItWith() {
    let error = ManaError(.connectionLost, execution: .unknown, message: "lost", transactionID: 7)
    #expect(Failure(error, address: Self.elsewhere).message.contains("Repeat the command with --id 7"))
  }
}
