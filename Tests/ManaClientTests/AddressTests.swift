import ManaClient
import Testing

@Suite("Addresses and cursors") struct AddressTests {
  @Test(
    "An address is a host with its port, or a path",
    arguments: [
      ("127.0.0.1:7420", ManaAddress.hostPort(host: "127.0.0.1", port: 7420)),
      ("ledger.example.com:1", .hostPort(host: "ledger.example.com", port: 1)),
      ("[::1]:7420", .hostPort(host: "::1", port: 7420)),
      ("[fe80::1%eth0]:65535", .hostPort(host: "fe80::1%eth0", port: 65_535)),
      ("unix:/run/mana.sock", .unixSocket(path: "/run/mana.sock")),
      ("unix:mana.sock", .unixSocket(path: "mana.sock")),
    ])
  func parsed(text: String, address: ManaAddress) {
    #expect(ManaAddress(text) == address)
    #expect(address.description == text)
  }

  @Test(
    "What is no address is refused",
    arguments: [
      "", ":", "127.0.0.1", "127.0.0.1:", ":7420", "localhost:0", "localhost:65536", "localhost:+1", "localhost:-1",
      "localhost:http", "::1:7420", "[::1]", "[]:7420", "[::1:7420", "unix:", "http://localhost:7420",
      "local host:7420",
    ])
  func refused(text: String) { #expect(ManaAddress(text) == nil) }

  @Test("A cursor is a sequence number", arguments: [("1", UInt64(1)), ("57", 57)])
  func cursor(text: String, sequence: UInt64) {
    #expect(HistoryCursor(text) == HistoryCursor(sequence: sequence))
    #expect(HistoryCursor(sequence: sequence).description == text)
  }

  @Test("What is no cursor is refused", arguments: ["", "0", "-1", "x"])
  func noCursor(text: String) { #expect(HistoryCursor(text) == nil) }
}
