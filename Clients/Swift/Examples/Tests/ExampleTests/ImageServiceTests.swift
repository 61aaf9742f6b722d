import ManaClient
import ManaTestLedger
import NIOCore
import NIOPosix
import Testing

@Suite struct ImageServiceTests {
  /// Runs `body` with a service, its port, and a client for the ledger, whose account 42 has a hundred Mana.
  private func withService(
    _ body: (_ service: Example, _ port: Int, ManaClient) async throws -> Void
  ) async throws {
    try await withTestLedger { ledger in
      try await withManaClient(address: ledger.address) { client in
        try await client.bonus(42, 100)
        let service = try Example("image-service", [ledger.address.description, "0", "1"])
        let port = try #require(service.firstLine().split(separator: " ").last.flatMap { Int($0) })
        try await body(service, port, client)
        service.kill()
        _ = service.ended()
      }
    }
  }

  /// The service's whole answer; empty when it dies before it.
  private func post(_ prompt: String, account: String?, port: Int) async throws -> String {
    let connection = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
      .connect(host: "127.0.0.1", port: port) { channel in
        channel.eventLoop.makeCompletedFuture {
          try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
        }
      }
    return try await connection.executeThenClose { incoming, outgoing in
      let header = account.map { "account: \($0)\r\n" } ?? ""
      let request =
        "POST /images HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\(header)"
        + "content-length: \(prompt.utf8.count)\r\n\r\n\(prompt)"
      try await outgoing.write(ByteBuffer(string: request))
      var answer = ""
      do {
        for try await bytes in incoming { answer += String(buffer: bytes) }
      } catch is IOError {
        // The service was killed.
      }
      return answer
    }
  }

  @Test func whatIsDeliveredIsCharged() async throws {
    try await withService { _, port, client in
      let answer = try await post("boats", account: "42", port: port)
      #expect(answer.hasPrefix("HTTP/1.1 200 OK") && answer.contains("an image of boats for 5.0 Mana"))
      #expect(try await client.account(42).balance == 95)
      let failed = try await post("fail", account: "42", port: port)
      #expect(failed.hasPrefix("HTTP/1.1 500"))
      #expect(try await client.account(42).balance == 95)
      #expect(try await post("boats", account: "43", port: port).hasPrefix("HTTP/1.1 402"))
      #expect(try await post("boats", account: nil, port: port).hasPrefix("HTTP/1.1 400"))
      try await client.spend(42, 90, for: .export)
      #expect(try await post("boats", account: "42", port: port).hasPrefix("HTTP/1.1 402"))
    }
  }

  @Test func aServiceThatIsKilledInARequestCostsNothing() async throws {
    try await withService { service, port, client in
      async let answer = post("masterpiece", account: "42", port: port)
      while try await client.account(42).unsettledCount == 0 { try await Task.sleep(for: .milliseconds(5)) }
      #expect(try await client.account(42).balance == 90)
      service.kill()
      #expect(try await answer == "")
      while try await client.account(42).unsettledCount > 0 { try await Task.sleep(for: .milliseconds(20)) }
      #expect(try await client.account(42).balance == 100)
      let last = try await client.page(of: 42, limit: 1).transactions.first
      #expect(last?.type == .refund && last?.note == "timeout")
    }
  }
}
