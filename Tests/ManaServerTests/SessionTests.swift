import Testing

@testable import ManaServer

/// Deadlines count from the arrival of a frame's last byte, however long the frame had to wait.
@Suite struct ArrivalLogTests {
  @Test func aFrameArrivesWithItsLastByte() {
    var log = ArrivalLog()
    log.note(unread: 100, at: 1_000)
    log.note(unread: 250, at: 2_000)
    log.note(unread: 260, at: 2_000)
    log.note(unread: 300, at: 3_000)
    for (offset, time) in [(1, 1_000), (100, 1_000), (101, 2_000), (260, 2_000), (261, 3_000), (300, 3_000)] {
      #expect(log.arrival(ofBytes: offset) == UInt64(time), "offset \(offset)")
    }
  }

  /// The log of a frame that comes byte by byte is no larger than that of one in a few pieces; its deadline begins later,
  /// never earlier.
  @Test func dribbledBytesAreKeptTogether() {
    var log = ArrivalLog()
    for byte in 1...100_000 { log.note(unread: byte, at: UInt64(byte)) }
    #expect(log.entryCount == ServerLimits.arrivalsKept)
    #expect(log.arrival(ofBytes: 5) == 5)
    #expect(log.arrival(ofBytes: 500) == 100_000)
    log.consume(100_000)
    #expect(log.entryCount == 0)
  }

  @Test func consumedBytesAreForgotten() {
    var log = ArrivalLog()
    log.note(unread: 64, at: 1_000)
    log.note(unread: 192, at: 2_000)
    log.consume(64)
    #expect(log.arrival(ofBytes: 64) == 2_000)
    log.consume(128)
    log.note(unread: 32, at: 9_000)
    #expect(log.arrival(ofBytes: 32) == 9_000)
  }
}

/// What a caller of another protocol is taken for.
@Suite struct StrangerTests {
  @Test(arguments: [
    ("GET / HTTP/1.1\r\n", "http"), ("POST /x", "http"), ("PRI * HTTP/2.0", "http"), ("G", "undecided"),
    ("GE", "undecided"), ("\u{16}", "undecided"), ("\u{16}\u{03}\u{01}", "tls"), ("\u{16}\u{04}", "unknown"),
    ("hello", "unknown"), ("GETX", "unknown"), ("MANB", "unknown"), ("\u{0}", "unknown"),
  ])
  func isTakenFor(bytes: String, kind: String) {
    #expect("\(Stranger(firstBytes: Array(bytes.utf8)))" == kind)
  }
}

/// Who waits for whom when a server begins and ends.
@Suite struct CoordinatorTests {
  @Test func servesWhenAllAreReadyAndEndsWhenAllAreQuiet() {
    var coordinator = Coordinator(shardCount: 2) { _, _ in }
    var report = RecoveryReport()
    report.transactions = 5
    let ready = [coordinator.becameReady(1, report), coordinator.becameReady(0, report)]
    #expect(ready == [false, true])
    #expect(coordinator.report.transactions == 10)
    let quiet = [coordinator.becameQuiet(0), coordinator.becameQuiet(0), coordinator.becameQuiet(1)]
    #expect(quiet == [false, false, true])
  }
}
