import ManaProtocol
import ManaTesting
import Testing

@testable import ManaServer

/// What a read says is on the disk, also when it says that something is not there.
@Suite struct HeldReadTests {
  @Test func aRefusalThatTellsOfAnAccountWaitsForTheAccount() throws {
    let bench = try SteppedBench()
    let caller = try bench.connect()
    caller.send(SimulatedRequest(number: 0, .post(ItemBatch([.purchase(1, 42, 100)]))))
    caller.send(SimulatedRequest(number: 1, .lookup(account: 42, id: 2)), correlation: 2)
    bench.turn(6)
    #expect(caller.receive() == [.ok], "only the welcome can have come")
    #expect(bench.server.write(0))
    bench.turn(3)
    #expect(caller.receive() == [.ok, .transactionUnknown])
  }
}
