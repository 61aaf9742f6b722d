// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

// Each object of the server belongs to one thread, and the accesses to one are checked against each other whenever the
// tests run. A release build goes without: the checks were a seventh of a single call.
let unchecked: [SwiftSetting] = [.unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release))]

// Strict memory safety is on where no raw memory is touched. The codec, the ledger, the journal, the loop and the shard
// are raw memory by design: every line would carry the mark, and none would stand out.

/// Asynchronous functions stay on the executor of whoever calls them. Each step from one to another executor takes a lock of
/// the task's, and a call goes through half a dozen such functions: a seventh of a call's processor time.
let staying: [SwiftSetting] = [.enableUpcomingFeature("NonisolatedNonsendingByDefault")]

let package = Package(
  name: "mana-ledger",
  platforms: [.macOS(.v15), .iOS(.v18)],
  products: [
    .executable(name: "mana-server", targets: ["mana-server"]),
    .executable(name: "mana", targets: ["mana"]),
    .executable(name: "mana-load", targets: ["mana-load"]),
    .executable(name: "mana-bench", targets: ["mana-bench"]),
    .executable(name: "mana-client-bench", targets: ["mana-client-bench"]),
    .library(name: "ManaClient", targets: ["ManaClient"]),
    // A real server for the tests of other packages.
    .library(name: "ManaTesting", targets: ["ManaTestLedger"]),
  ],
  traits: [
    .trait(name: "ServiceLifecycleSupport", description: "`ManaClient` is a `Service` of swift-service-lifecycle."),
    .trait(name: "DistributedTracingSupport", description: "A span of swift-distributed-tracing for each call."),
    .trait(name: "ConfigurationSupport", description: "A client's configuration from swift-configuration."),
    .default(enabledTraits: ["ServiceLifecycleSupport", "DistributedTracingSupport", "ConfigurationSupport"]),
  ],
  dependencies: [
    // Server side. None of these pulls in SwiftNIO.
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
    // Flags, environment and a JSON file in one precedence, for the server and for clients that ask for it.
    .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0", traits: ["JSON"]),
    // Client side: what each client library of the Swift server ecosystem stands on.
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
    .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
    .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.7.3"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    // The load tester's latencies.
    .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
  ],
  targets: [
    // System libraries and inline shims: module maps and headers, nothing else.
    .systemLibrary(
      name: "CLibuv", path: "Sources/CLibuv", pkgConfig: "libuv", providers: [.apt(["libuv1-dev"])]),
    .systemLibrary(
      name: "COpenSSL", path: "Sources/COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
    .target(name: "CXXHash", path: "Sources/CXXHash"),
    .target(name: "CIntrinsics", path: "Sources/CIntrinsics"),
    .target(name: "CLinux", path: "Sources/CLinux"),

    // Shared by both ends of the wire.
    .target(name: "ManaProtocol", dependencies: ["CIntrinsics"], swiftSettings: strict),

    // Shared by the programs: how they write numbers and JSON, and their version.
    .target(name: "ManaText", swiftSettings: strict + [.strictMemorySafety()]),

    // The server.
    .target(name: "ManaLedger", dependencies: ["ManaProtocol", "CIntrinsics"], swiftSettings: strict + unchecked),
    .target(
      name: "ManaJournal",
      dependencies: ["CXXHash", "CIntrinsics", "CLinux", .product(name: "SystemPackage", package: "swift-system")],
      swiftSettings: strict + unchecked),
    .target(name: "ManaEventLoop", dependencies: ["CLibuv", "COpenSSL"], swiftSettings: strict + unchecked),
    // Who may call, and what they may do.
    .target(name: "ManaAccess", dependencies: ["COpenSSL", "ManaText"], swiftSettings: strict),
    .target(
      name: "ManaAudit", dependencies: ["ManaAccess", "ManaEventLoop", "ManaText"], swiftSettings: strict),
    .target(
      name: "ManaServer",
      dependencies: [
        "ManaProtocol", "ManaLedger", "ManaJournal", "ManaEventLoop", "ManaAccess", "ManaAudit", "ManaText", "CLinux",
        .product(name: "Logging", package: "swift-log"),
        .product(name: "SystemPackage", package: "swift-system"),
      ],
      swiftSettings: strict + unchecked),
    .executableTarget(
      name: "mana-server",
      dependencies: [
        "ManaServer", "ManaEventLoop", "ManaJournal", "ManaLedger", "ManaProtocol", "ManaText", "ManaAccess",
        "ManaAudit",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Configuration", package: "swift-configuration"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "SystemPackage", package: "swift-system"),
      ],
      exclude: ["Operations"],
      swiftSettings: strict + [.strictMemorySafety()]),

    // What the tests hold the real modules against: a reference ledger, workloads, simulated hands.
    .target(
      name: "ManaTesting",
      dependencies: [
        "ManaProtocol", "ManaLedger", "ManaJournal", .product(name: "SystemPackage", package: "swift-system"),
      ],
      swiftSettings: strict),

    // The real server in a world from one seed. Its own `uv_*` functions and sockets stand in the place of libuv and
    // the system's in this program: they would in every program that it is linked into, so nothing depends on it.
    .executableTarget(
      name: "mana-simulate",
      dependencies: [
        "ManaTesting", "ManaServer", "ManaEventLoop", "ManaJournal", "ManaLedger", "ManaProtocol", "ManaText", "CLibuv",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "SystemPackage", package: "swift-system"),
      ],
      swiftSettings: strict),

    // Everything that talks to the server.
    .target(
      name: "ManaClient",
      dependencies: [
        "ManaProtocol",
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOTLS", package: "swift-nio"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "Metrics", package: "swift-metrics"),
        .product(
          name: "Tracing", package: "swift-distributed-tracing", condition: .when(traits: ["DistributedTracingSupport"])
        ),
        .product(
          name: "ServiceLifecycle", package: "swift-service-lifecycle",
          condition: .when(traits: ["ServiceLifecycleSupport"])),
        .product(
          name: "Configuration", package: "swift-configuration", condition: .when(traits: ["ConfigurationSupport"])),
      ],
      path: "Clients/Swift/ManaClient",
      swiftSettings: strict + staying),
    // Starts the server's program, which a test target that uses it depends on too.
    .target(
      name: "ManaTestLedger", dependencies: ["ManaClient"], path: "Clients/Swift/ManaTestLedger",
      swiftSettings: strict + [.strictMemorySafety()]),
    // Measures the client itself; counts its allocations in the place of the C library's functions, in this program alone.
    .target(name: "CAllocationCount", path: "Clients/Swift/ClientBench/CAllocationCount"),
    .executableTarget(
      name: "mana-client-bench",
      dependencies: [
        "ManaClient", "ManaText", "CAllocationCount",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
      ],
      path: "Clients/Swift/ClientBench/mana-client-bench",
      swiftSettings: strict),
    // Options that the programs which use the client have in common.
    .target(
      name: "ManaOptions",
      dependencies: ["ManaClient", .product(name: "ArgumentParser", package: "swift-argument-parser")],
      path: "Clients/Options",
      swiftSettings: strict + [.strictMemorySafety()]),
    .executableTarget(
      name: "mana",
      dependencies: [
        "ManaClient", "ManaOptions", "ManaProtocol", "ManaText",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Clients/mana",
      swiftSettings: strict),
    .executableTarget(
      name: "mana-load",
      dependencies: [
        "ManaClient", "ManaOptions", "ManaProtocol", "ManaText", "CLinux",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Histogram", package: "hdrhistogram-swift"),
      ],
      path: "Clients/mana-load",
      swiftSettings: strict + staying),
    // Starts servers and drives them with the load tester; nothing else needs it. Neither the server's modules nor SwiftNIO.
    .executableTarget(
      name: "mana-bench",
      dependencies: ["ManaText", "CLinux", .product(name: "ArgumentParser", package: "swift-argument-parser")],
      path: "Clients/mana-bench",
      swiftSettings: strict),

    // One test target a module.
    .testTarget(name: "ManaProtocolTests", dependencies: ["ManaProtocol", "ManaTesting"], swiftSettings: strict),
    .testTarget(name: "ManaLedgerTests", dependencies: ["ManaLedger", "ManaProtocol"], swiftSettings: strict),
    .testTarget(
      name: "ManaTestingTests", dependencies: ["ManaTesting", "ManaLedger", "ManaProtocol"], swiftSettings: strict),
    .testTarget(
      name: "ManaJournalTests",
      dependencies: ["ManaJournal", "CIntrinsics", .product(name: "SystemPackage", package: "swift-system")],
      swiftSettings: strict),
    .testTarget(name: "ManaEventLoopTests", dependencies: ["ManaEventLoop"], swiftSettings: strict),
    .testTarget(name: "ManaAuditTests", dependencies: ["ManaAudit", "ManaAccess"], swiftSettings: strict),
    .testTarget(name: "ManaAccessTests", dependencies: ["ManaAccess"], swiftSettings: strict),
    .testTarget(
      name: "ManaServerTests",
      dependencies: [
        "ManaServer", "ManaEventLoop", "ManaJournal", "ManaLedger", "ManaProtocol", "ManaTesting",
        .product(name: "Logging", package: "swift-log"),
        .product(name: "SystemPackage", package: "swift-system"),
      ],
      swiftSettings: strict),
    .testTarget(
      name: "ManaClientTests",
      dependencies: [
        "ManaClient", "ManaProtocol",
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
        .product(name: "MetricsTestKit", package: "swift-metrics"),
        .product(name: "InMemoryTracing", package: "swift-distributed-tracing"),
        .product(name: "Tracing", package: "swift-distributed-tracing"),
        .product(name: "ServiceLifecycleTestKit", package: "swift-service-lifecycle"),
        .product(name: "Configuration", package: "swift-configuration"),
      ],
      swiftSettings: strict),
    .testTarget(
      name: "ManaTestLedgerTests",
      dependencies: [
        "ManaTestLedger", "ManaClient", "mana-server", .product(name: "Logging", package: "swift-log"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "UnixSignals", package: "swift-service-lifecycle"),
      ],
      swiftSettings: strict),
    .testTarget(
      name: "ManaCommandTests",
      dependencies: [
        "mana", "ManaClient", "ManaProtocol", "ManaText",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: strict),
    .testTarget(
      name: "ManaLoadTests",
      dependencies: [
        "mana-load", "ManaProtocol", "ManaText",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: strict),
    .testTarget(
      name: "ManaBenchTests",
      dependencies: ["mana-bench", "ManaText", .product(name: "ArgumentParser", package: "swift-argument-parser")],
      swiftSettings: strict),
    .testTarget(
      name: "ManaServerCommandTests",
      dependencies: [
        "mana-server", "ManaServer", "ManaText",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Configuration", package: "swift-configuration"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "SystemPackage", package: "swift-system"),
      ],
      swiftSettings: strict),
    .testTarget(
      name: "IntegrationTests",
      dependencies: [
        "ManaClient", "ManaProtocol", "mana", "mana-server", .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
      ],
      swiftSettings: strict),
    .testTarget(
      name: "SimulationTests", dependencies: ["ManaTesting", "ManaLedger", "ManaProtocol"], swiftSettings: strict),
    .testTarget(name: "StructureTests", swiftSettings: strict),
  ],
  swiftLanguageModes: [.v6]
)

// For `make fuzz` alone: an instrumented build of its own, in which libFuzzer brings the main function.
if Context.environment["MANA_FUZZING"] != nil {
  package.products.append(.executable(name: "mana-fuzz", targets: ["mana-fuzz"]))
  package.targets.append(
    .executableTarget(
      name: "mana-fuzz",
      dependencies: [
        "ManaJournal", "ManaLedger", "ManaProtocol", "ManaTesting", "CIntrinsics",
        .product(name: "SystemPackage", package: "swift-system"),
      ],
      path: "Tests/Fuzzing",
      exclude: ["fuzz.sh", "seeds.py"],
      swiftSettings: strict))
}

// For instrumented builds of the server's modules and their tests: without what stands on SwiftNIO, which takes minutes.
if Context.environment["MANA_SERVER_ONLY"] != nil {
  let clients = [
    "ManaClient", "ManaTestLedger", "ManaOptions", "mana", "mana-load", "mana-client-bench", "ManaClientTests",
    "ManaTestLedgerTests", "ManaCommandTests", "ManaLoadTests", "IntegrationTests",
  ]
  package.targets.removeAll { clients.contains($0.name) }
  let products = ["ManaClient", "ManaTesting", "mana", "mana-load", "mana-client-bench"]
  package.products.removeAll { products.contains($0.name) }
}
