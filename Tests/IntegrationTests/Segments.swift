import Foundation

/// The journal's files, as a test reads and damages them.
enum Segments {
  /// The first segment of a shard.
  static func first(of ledger: String, shard: Int) -> URL {
    URL(filePath: "\(ledger)/shard-00\(shard)/0000000000.segment")
  }

  /// Where each block of small records begins; nothing where none was written.
  static func blocks(of segment: Data) -> [Int] {
    stride(from: 0, to: segment.count, by: 512).filter { segment[$0..<$0 + 512].contains { $0 != 0 } }
  }
}
