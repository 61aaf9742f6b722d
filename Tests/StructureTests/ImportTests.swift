import Foundation
import Testing

/// Which module may import which: the table of `Sources/ARCHITECTURE.md`, held against every source file.
@Suite struct ImportTests {
  /// What each module may import beyond the standard library and itself.
  static let allowed: [String: Set<String>] = [
    "Sources/ManaProtocol": ["CIntrinsics"],
    "Sources/ManaText": [],
    "Sources/ManaLedger": ["ManaProtocol", "CIntrinsics", "Glibc"],
    "Sources/ManaJournal": ["CXXHash", "CIntrinsics", "CLinux", "SystemPackage", "Glibc", "Synchronization"],
    "Sources/ManaEventLoop": ["CLibuv", "COpenSSL", "Glibc", "Synchronization"],
    "Sources/ManaAccess": ["COpenSSL", "ManaText", "Glibc", "Synchronization"],
    "Sources/ManaAudit": ["ManaAccess", "ManaEventLoop", "ManaText", "Glibc", "Synchronization"],
    "Sources/ManaServer": [
      "ManaAccess", "ManaAudit", "ManaText", "ManaProtocol", "ManaLedger", "ManaJournal", "ManaEventLoop", "CLinux",
      "Logging", "Synchronization",
      "SystemPackage",
    ],
    "Sources/ManaTesting": ["ManaProtocol", "ManaLedger", "ManaJournal", "SystemPackage"],
    "Sources/mana-simulate": [
      "ManaTesting", "ManaServer", "ManaEventLoop", "ManaJournal", "ManaLedger", "ManaProtocol", "ManaText", "CLibuv",
      "Glibc",
      "ArgumentParser", "Logging", "SystemPackage",
    ],
    "Sources/mana-server": [
      "ManaAccess", "ManaAudit", "ManaServer", "ManaEventLoop", "ManaJournal", "ManaLedger", "ManaProtocol", "ManaText",
      "ArgumentParser",
      "Configuration", "FoundationEssentials", "Logging", "SystemPackage", "Glibc", "Synchronization",
    ],
    "Clients/Swift/ManaClient": [
      "ManaProtocol", "NIOCore", "NIOPosix", "NIOSSL", "NIOTLS", "CoreMetrics", "ServiceLifecycle", "Configuration",
      "Tracing", "Logging", "Synchronization", "Glibc", "Musl", "Darwin", "Android",
    ],
    "Clients/Swift/ClientBench/mana-client-bench": [
      "ManaClient", "ManaText", "CAllocationCount", "ArgumentParser", "NIOCore", "NIOPosix", "Glibc", "Synchronization",
    ],
    "Clients/Swift/ManaTestLedger": ["ManaClient", "Foundation", "Synchronization"],
    "Clients/Options": ["ManaClient", "ArgumentParser"],
    "Clients/mana": [
      "ManaClient", "ManaOptions", "ManaProtocol", "ManaText", "ArgumentParser", "Glibc", "Musl", "Darwin", "Dispatch",
      "Synchronization",
    ],
    "Clients/mana-load": [
      "ManaClient", "ManaOptions", "ManaProtocol", "ManaText", "ArgumentParser", "Histogram", "CLinux", "Glibc",
      "Synchronization",
    ],
    "Clients/mana-bench": ["ManaText", "ArgumentParser", "CLinux", "FoundationEssentials", "Glibc", "Synchronization"],
  ]

  static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  static func swiftFiles(below folder: String) throws -> [URL] {
    let enumerator = try #require(
      FileManager.default.enumerator(at: root.appending(path: folder), includingPropertiesForKeys: nil))
    // A package of its own, such as the examples', leaves a build folder beside its sources.
    return enumerator.compactMap { $0 as? URL }
      .filter { $0.pathExtension == "swift" && !$0.pathComponents.contains(".build") }
  }

  /// The modules that a source file imports, in any spelling of an import declaration.
  static func imports(of file: URL) throws -> [String] {
    try String(contentsOf: file, encoding: .utf8).split(separator: "\n").compactMap { line in
      let words = line.split(separator: " ")
      guard let place = words.firstIndex(of: "import"), words[..<place].allSatisfy(Self.isModifier) else { return nil }
      let kinds: Set<Substring> = ["struct", "class", "enum", "protocol", "func", "var", "let", "typealias"]
      let name = words.dropFirst(place + 1).first { !kinds.contains($0) }
      return name.map { String($0.prefix { $0 != "." }) }
    }
  }

  private static func isModifier(_ word: Substring) -> Bool {
    word.hasPrefix("@") || ["public", "package", "internal", "fileprivate", "private"].contains(word)
  }

  @Test(arguments: allowed.keys.sorted())
  func importsOnlyWhatItMay(module: String) throws {
    let files = try Self.swiftFiles(below: module)
    #expect(!files.isEmpty, "\(module) has no sources")
    for file in files {
      for name in try Self.imports(of: file) where name != "Swift" {
        #expect(
          Self.allowed[module]!.contains(name), "\(file.lastPathComponent) of \(module) must not import \(name)")
      }
    }
  }

  @Test func everyModuleIsInTheTable() throws {
    let modules = try FileManager.default.contentsOfDirectory(atPath: Self.root.appending(path: "Sources").path())
      .filter { !$0.hasPrefix("C") && !$0.hasSuffix(".md") }
    for module in modules { #expect(Self.allowed["Sources/\(module)"] != nil, "Sources/\(module) is not in the table") }
  }

  @Test(arguments: [
    ("Sources/ManaEventLoop", "CLibuv"), ("Sources/ManaJournal", "CXXHash"),
  ])
  func onlyOneModuleTouches(module: String, library: String) throws {
    // The simulation stands in for libuv.
    let elsewhere = try Self.swiftFiles(below: "Sources").filter {
      !$0.path().contains("/\(module)/") && !$0.path().contains("/mana-simulate/")
    }
    for file in elsewhere {
      #expect(try !Self.imports(of: file).contains(library), "\(file.path()) imports \(library); only \(module) may")
    }
  }
}
