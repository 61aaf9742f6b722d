import ManaClient
import Testing

// This file imports nothing but the client, with member visibility as strict as it gets: what it uses is what an
// application can use without naming another module.

@Suite("One import is enough") struct PublicNamesTests {
  @Test("The names of the protocol come with the client")
  func names() {
    #expect(Status.insufficientBalance.name == "insufficientBalance")
    #expect(Operation.imageGeneration.name == "image_generation")
    #expect(ManaClient.Operation.export.type == TransactionType.spend)
    #expect(SettlementState.timedOut.rawValue == 4)
    #expect(ConflictField.amount.rawValue == 3)
    #expect(ServerStatus().uptime == .zero)
  }
}
