import Foundation
import ManaProtocol
import Testing

/// How a server ends when it is told to.
@Suite struct DrainTests {
  /// Whichever shard the caller is on: the one that watches the signals may have nobody left.
  @Test(arguments: 1...4)
  func aSecondSignalWaitsForNobodyAndLosesNothingAcknowledged(earlierCallers: Int) async throws {
    let data = try TemporaryDirectory()
    let server = try ServerProcess(data: data, shards: 2)
    for account in 1...3 {
      let outcome = try await Programs.mana(["purchase", "\(account)", "100"], server: server)
      #expect(outcome.status == 0, "\(outcome.errors)")
    }
    for _ in 1..<earlierCallers { try RawConnection(port: server.port).shakeHands() }
    // A caller that never closes its side, which an orderly end gives time to.
    let caller = try RawConnection(port: server.port)
    try caller.shakeHands()
    kill(server.processIdentifier, SIGTERM)
    let (header, _) = try caller.receiveFrame()
    #expect(header.opcode == Opcode.goAway.rawValue)
    kill(server.processIdentifier, SIGTERM)
    let end = try server.ended(within: 60)
    #expect(end?.status == 0)
    #expect(end?.errors.contains("ending at once") == true)
    let next = try ServerProcess(data: data)
    for account in 1...3 {
      let outcome = try await Programs.mana(["balance", "\(account)"], server: next)
      #expect(outcome.output.contains("100"), "\(outcome.output)\(outcome.errors)")
    }
    #expect(next.terminate() == 0)
    withExtendedLifetime(caller) {}
  }

  @Test func aCallerCanAskForIt() async throws {
    let data = try TemporaryDirectory()
    let server = try ServerProcess(data: data, shards: 2)
    let caller = try RawConnection(port: server.port)
    try caller.shakeHands()
    let outcome = try await Programs.mana(["drain"], server: server)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.output == "\(server.address) is draining\n")
    // Everybody is told; then the server waits until they have gone.
    let (header, _) = try caller.receiveFrame()
    #expect(header.opcode == Opcode.goAway.rawValue)
    #expect(header.status == Status.shuttingDown.rawValue)
    caller.finishSending()
    let end = try server.ended(within: 60)
    #expect(end?.status == 0)
    #expect(end?.errors.contains("asked to drain") == true)
  }
}
