// swift-tools-version: 6.2
import PackageDescription

// A package of its own, as yours would be: it depends on the ledger's by path where yours names a version.
let package = Package(
  name: "mana-examples",
  platforms: [.macOS(.v15)],
  dependencies: [
    .package(name: "mana-ledger", path: "../../.."),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
  ],
  targets: [
    .executableTarget(
      name: "charge-combinations", dependencies: [.product(name: "ManaClient", package: "mana-ledger")]),
    .executableTarget(
      name: "image-service",
      dependencies: [
        .product(name: "ManaClient", package: "mana-ledger"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
      ]),
    .testTarget(
      name: "ExampleTests",
      dependencies: [
        "charge-combinations", "image-service",
        .product(name: "ManaClient", package: "mana-ledger"),
        .product(name: "ManaTesting", package: "mana-ledger"),
        // What `withTestLedger` starts.
        .product(name: "mana-server", package: "mana-ledger"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
      ]),
  ],
  swiftLanguageModes: [.v6]
)
