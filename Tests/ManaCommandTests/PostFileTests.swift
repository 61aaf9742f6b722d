import Testing

@testable import mana

@Suite("Files to post")
struct PostFileTests {
  static let uuid = "0195f9e2-6c1c-7000-8000-000000000007"
  static let long = String(repeating: "n", count: 255)

  @Test(arguments: [
    ("account,type,amount\n42,bonus,5\n", ["2|42|bonus|bonus|5.0|0|||-|-"]),
    ("account,type,amount\n42,bonus,5", ["2|42|bonus|bonus|5.0|0|||-|-"]),
    (
      "account,type,amount\r\n42,bonus,5\r\n7,purchase,0.000001\r\n",
      ["2|42|bonus|bonus|5.0|0|||-|-", "3|7|purchase|purchase|0.000001|0|||-|-"]
    ),
    ("\u{FEFF}account,type,amount\n42,bonus,5\n", ["2|42|bonus|bonus|5.0|0|||-|-"]),
    (
      "amount,quantity,account,operation,type\n1.50,10,42,combination,spend\n",
      ["2|42|spend|combination|1.5|10|||-|-"]
    ),
    (
      "account,type,operation,amount,quantity,note,reference,id,related\n42,refund,,2,,failed,r1,9,7\n",
      ["2|42|refund|refund|2.0|0|r1|failed|9|7"]
    ),
    ("account,type,amount,id\n\(uuid),bonus,5,\(uuid)\n", ["2|\(uuid)|bonus|bonus|5.0|0|||\(uuid)|-"]),
    ("account,type,amount,note\n42,bonus,5,\"a, \"\"b\"\"\"\n", ["2|42|bonus|bonus|5.0|0||a, \"b\"|-|-"]),
    (
      "account,type,amount,note\n42,bonus,5,\"two\nlines\"\n43,bonus,6,x\n",
      ["2|42|bonus|bonus|5.0|0||two\nlines|-|-", "4|43|bonus|bonus|6.0|0||x|-|-"]
    ),
    ("\"account\",\"type\",\"amount\"\n\"42\",\"bonus\",\"5\"\n", ["2|42|bonus|bonus|5.0|0|||-|-"]),
    (
      "account,type,amount\n\n42,bonus,5\n\n\n43,bonus,6\n",
      ["3|42|bonus|bonus|5.0|0|||-|-", "6|43|bonus|bonus|6.0|0|||-|-"]
    ),
    (
      "account,type,amount,operation\n42,spend,-1.5,export\n42,bonus,+2,bonus\n",
      ["2|42|spend|export|1.5|0|||-|-", "3|42|bonus|bonus|2.0|0|||-|-"]
    ),
    ("account,type,amount,note\n42,bonus,5,\(long)\n", ["2|42|bonus|bonus|5.0|0||\(long)|-|-"]),
    ("account,type,amount,note\n42,bonus,5,žluťoučký\n", ["2|42|bonus|bonus|5.0|0||žluťoučký|-|-"]),
    ("account,type,amount\n42,bonus,9223372036854.775807\n", ["2|42|bonus|bonus|9223372036854.775807|0|||-|-"]),
    ("account,type,amount\n", []),
  ])
  func csv(content: String, expected: [String]) throws {
    #expect(try TemporaryFile(content).lines() == expected)
  }

  @Test(arguments: [
    (#"{"account":42,"type":"bonus","amount":5}"#, ["1|42|bonus|bonus|5.0|0|||-|-"]),
    (
      #"{"account":"42","type":"spend","operation":"export","amount":"1.5","quantity":500}"#,
      ["1|42|spend|export|1.5|500|||-|-"]
    ),
    (
      #" { "note" : "a\n\"b\"\\\/" , "amount" : 1.50 , "type" : "bonus" , "account" : 42 } "#,
      ["1|42|bonus|bonus|1.5|0||a\n\"b\"\\/|-|-"]
    ),
    (
      #"{"account":42,"type":"bonus","amount":5,"note":null,"id":null,"quantity":null}"#,
      ["1|42|bonus|bonus|5.0|0|||-|-"]
    ),
    (
      #"{"account":42,"type":"bonus","amount":5,"note":"\u00e9\ud83d\ude00 é"}"#,
      ["1|42|bonus|bonus|5.0|0||é😀 é|-|-"]
    ),
    (
      "{\"account\":42,\"type\":\"bonus\",\"amount\":5}\r\n\r\n{\"account\":43,\"type\":\"bonus\",\"amount\":6}\r\n",
      ["1|42|bonus|bonus|5.0|0|||-|-", "3|43|bonus|bonus|6.0|0|||-|-"]
    ),
  ])
  func jsonLines(content: String, expected: [String]) throws {
    #expect(try TemporaryFile(content).lines() == expected)
  }

  /// Line and column of the first thing that is wrong, and a word of the reason.
  @Test(arguments: [
    ("", 1, 1, "empty"),
    ("\n\n", 1, 1, "empty"),
    ("account,type\n42,bonus\n", 1, 1, "no column 'amount'"),
    ("account,type,amount,colour\n", 1, 21, "'colour'"),
    ("account,type,amount,type\n", 1, 21, "twice"),
    ("account,type,amount\n42,bonus\n", 2, 9, "2 fields"),
    ("account,type,amount\n42,bonus,5,6\n", 2, 12, "more fields"),
    ("account,type,amount\n,bonus,5\n", 2, 1, "account is missing"),
    ("account,type,amount\n42,bonus,\n", 2, 10, "amount is missing"),
    ("account,type,amount\n0,bonus,5\n", 2, 1, "zero"),
    ("account,type,amount\n4x,bonus,5\n", 2, 1, "neither"),
    ("account,type,amount\n340282366920938463463374607431768211456,bonus,5\n", 2, 1, "neither"),
    ("account,type,amount\n42,gift,5\n", 2, 4, "'gift'"),
    ("account,type,amount\n42,settlement,5\n", 2, 4, "'settlement'"),
    ("account,type,amount\n42,bonus,5\n42,bonus,1e3\n", 3, 10, "decimal"),
    ("account,type,amount\n42,bonus,.5\n", 2, 10, "decimal"),
    ("account,type,amount\n42,bonus,5.\n", 2, 10, "decimal"),
    ("account,type,amount\n42,bonus, 5\n", 2, 10, "decimal"),
    ("account,type,amount\n42,bonus,1.2345678\n", 2, 10, "six"),
    ("account,type,amount\n42,bonus,0.0\n", 2, 10, "zero"),
    ("account,type,amount\n42,bonus,-5\n", 2, 10, "sign"),
    ("account,type,amount,operation\n42,spend,+5,export\n", 2, 10, "sign"),
    ("account,type,amount\n42,bonus,9223372036854.775808\n", 2, 10, "above"),
    ("account,type,amount\n42,bonus,99999999999999999999999\n", 2, 10, "above"),
    ("account,type,amount\n42,spend,5\n", 2, 1, "without an operation"),
    ("account,type,amount,operation\n42,spend,5,refund\n", 2, 12, "does not belong"),
    ("account,type,amount,operation\n42,spend,5,paint\n", 2, 12, "'paint'"),
    ("account,type,amount\n42,refund,5\n", 2, 1, "related"),
    ("account,type,amount,related\n42,bonus,5,7\n", 2, 12, "only a refund"),
    ("account,type,amount,quantity,operation\n42,spend,5,4294967296,export\n", 2, 12, "whole number"),
    ("account,type,amount,quantity,related\n42,refund,5,1,7\n", 2, 13, "no quantity"),
    ("account,type,amount,note\n42,bonus,5,n\(long)\n", 2, 12, "256 bytes"),
    ("account,type,amount,note\n42,bonus,5,a\"b\"\n", 2, 13, "quote"),
    ("account,type,amount,note\n42,bonus,5,\"a\"b\n", 2, 15, "closing quote"),
    ("account,type,amount,note\n42,bonus,5,\"a\n", 2, 12, "not closed"),
    ("note,account,type,amount\n\"a\"\"\nb\",42,bonus,x\n", 3, 14, "decimal"),
    ("{\"account\":42,\"type\":\"bonus\"}", 1, 1, "amount is missing"),
    ("{\"account\":42,\"kind\":\"bonus\"}", 1, 15, "'kind'"),
    ("{\"account\":42,\"account\":43}", 1, 15, "twice"),
    ("{\"account\":42,}", 1, 15, "key"),
    ("{\"account\":[42]}", 1, 12, "string, a number or null"),
    ("{\"account\":true}", 1, 12, "string, a number or null"),
    ("{\"account\":\"42}", 1, 12, "not closed"),
    ("{\"account\":42,\"type\":\"bonus\",\"amount\":5} x", 1, 42, "after the object"),
    ("{\"note\":\"\\q\"}", 1, 10, "escape"),
    ("{\"note\":\"\\ud83d\"}", 1, 10, "surrogate"),
    ("{\"account\":42,\"type\":\"bonus\",\"amount\":1e3}", 1, 39, "decimal"),
    ("{\"account\":42,\"type\":\"bonus\",\"amount\":5}\n42,bonus,5\n", 2, 1, "{"),
  ])
  func malformed(content: String, line: Int, column: Int, reason: String) throws {
    let file = try TemporaryFile(content)
    let error = #expect(throws: PostFileError.self) { try file.content() }
    guard case .malformed(let actualLine, let actualColumn, let actualReason) = error else {
      Issue.record("\(String(describing: error)) is no malformed line")
      return
    }
    #expect([actualLine, actualColumn] == [line, column], "\(actualReason)")
    #expect(actualReason.contains(reason))
  }

  @Test func textThatIsNotUTF8IsRefused() throws {
    let file = try TemporaryFile(Array("account,type,amount,note\n42,bonus,5,".utf8) + [0xC3, 0x28, 0x0A])
    #expect(throws: PostFileError.malformed(line: 2, column: 12, reason: "the note is not UTF-8")) {
      try file.content()
    }
  }

  @Test func aLineWithoutEndIsRefused() throws {
    let file = try TemporaryFile("account,type,amount\n" + String(repeating: "4", count: 100_000))
    let error = #expect(throws: PostFileError.self) { try file.content() }
    guard case .malformed(2, 1, let reason) = error else {
      Issue.record("\(String(describing: error)) is not about line 2")
      return
    }
    #expect(reason.contains("longer than 65536 bytes"))
  }

  /// Records of many lengths, some with line breaks, over many buffers: none is lost, cut or numbered wrongly.
  @Test func recordsMayLieAcrossBuffers() throws {
    var generator = SystemRandomNumberGenerator()
    let seed = generator.next()
    var random = SplitMix(state: seed)
    var text = "account,type,amount,note\n"
    var expected: [String] = []
    var line = 2
    while text.utf8.count < 3 * RecordReader.bufferBytes {
      let note = String(repeating: "n", count: Int(random.next() % 120)) + (random.next() % 4 == 0 ? "\n\"" : "")
      let account = random.next() % 1_000 + 1
      let quoted = note.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"")
      text += "\(account),bonus,5,\"\(quoted)\"\n"
      expected.append("\(line)|\(account)|bonus|bonus|5.0|0||\(note)|-|-")
      line += note.contains("\n") ? 2 : 1
    }
    let lines = try TemporaryFile(text).lines()
    #expect(lines.count == expected.count, "seed \(seed)")
    let difference = zip(lines, expected).first { $0 != $1 }
    #expect(difference == nil, "seed \(seed)")
  }

  @Test func aFileThatIsNotThereOrIsAFolder() throws {
    #expect(throws: PostFileError.unreadable("No such file or directory")) {
      try PostFile(opening: "/no/such/file").bytes
    }
    #expect(throws: PostFileError.unreadable("Is a directory")) { try PostFile(opening: "/").bytes }
  }
}

/// A generator that a seed repeats. Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
