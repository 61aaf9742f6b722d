import ManaEventLoop
import Testing

@Suite("Listen addresses")
struct ListenAddressTests {
  @Test(
    "are read, and written as they were",
    arguments: [
      ("127.0.0.1:7420", .tcp(host: "127.0.0.1", port: 7420)),
      ("0.0.0.0:0", .tcp(host: "0.0.0.0", port: 0)),
      ("localhost:65535", .tcp(host: "localhost", port: 65535)),
      ("[::1]:7420", .tcp(host: "::1", port: 7420)),
      ("[fe80::1%eth0]:1", .tcp(host: "fe80::1%eth0", port: 1)),
      ("unix:/run/mana.sock", .unix(path: "/run/mana.sock")),
      ("unix:mana.sock", .unix(path: "mana.sock")),
      ("unix:/with:colon", .unix(path: "/with:colon")),
    ] as [(String, ListenAddress)])
  func valid(text: String, address: ListenAddress) throws {
    #expect(try ListenAddress(parsing: text) == address)
    #expect(address.description == text)
  }

  @Test(
    "that are none are refused with the reason",
    arguments: [
      ("", "it is empty"),
      ("7420", "the port is missing"),
      ("localhost", "the port is missing"),
      ("localhost:", "the port is missing"),
      (":7420", "the host is missing"),
      ("localhost:http", "the port 'http' is no number"),
      ("localhost:+1", "the port '+1' is no number"),
      ("localhost:-1", "the port '-1' is no number"),
      ("localhost:65536", "the port '65536' is larger than 65535"),
      ("::1:7420", "an IPv6 address needs brackets"),
      ("[::1]", "the port is missing"),
      ("[::1]7420", "the port is missing"),
      ("[]:7420", "brackets are for IPv6 addresses"),
      ("[::1:7420", "the bracket is not closed"),
      ("::1]:7420", "a bracket is closed that was never opened"),
      ("host]:7420", "a bracket is closed that was never opened"),
      ("[localhost]:7420", "brackets are for IPv6 addresses"),
      ("my host:7420", "the host contains white space"),
      ("unix:", "the path of the socket is missing"),
      ("/run/mana.sock", "a path needs the prefix 'unix:'"),
      ("http://localhost:7420", "it is a URL"),
      ("local\0host:1", "it contains a zero byte"),
      ("unix:/" + String(repeating: "x", count: 107), "the path of a Unix socket has at most 107 bytes, this one 108"),
    ])
  func invalid(text: String, problem: String) {
    let error = #expect(throws: ListenAddressError.self) { try ListenAddress(parsing: text) }
    #expect(error?.problem == problem)
    #expect(error?.description.contains("127.0.0.1:7420") == true)
  }
}
