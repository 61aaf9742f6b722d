import ArgumentParser
import Configuration
import Foundation
import Logging
import ManaServer
import ManaText
import SystemPackage
import Testing

@testable import mana_server

/// Where a setting's value comes from, and what is said about a wrong one.
@Suite struct SettingsTests {
  /// Resolves a command line with an environment and, where there is one, a file's content.
  static func resolve(
    _ arguments: [String] = [], environment: [String: String] = [:], file: String? = nil
  ) throws -> (configuration: ServerConfiguration, shown: String, log: LogSink) {
    var line = arguments
    let path = FileManager.default.temporaryDirectory.appending(path: "mana-\(UUID().uuidString).json")
    // What cannot be removed stays in the temporary folder.
    defer { if file != nil { try? FileManager.default.removeItem(at: path) } }
    if let file {
      try Data(file.utf8).write(to: path)
      line += ["--configuration", path.path()]
    }
    return try StartOptions.parse(line).resolve(EnvironmentVariablesProvider(environmentVariables: environment))
  }

  static func message(
    _ arguments: [String] = [], environment: [String: String] = [:], file: String? = nil
  ) -> String {
    do {
      _ = try resolve(arguments, environment: environment, file: file)
      return "accepted"
    } catch {
      return StartOptions.message(for: error)
    }
  }

  @Test(arguments: [
    ([String](), [String: String](), String?.none, Int?.none),
    ([], [:], #"{"shards": 3}"#, 3),
    ([], ["MANA_SHARDS": "2"], #"{"shards": 3}"#, 2),
    (["--shards", "1"], ["MANA_SHARDS": "2"], #"{"shards": 3}"#, 1),
    (["--shards", "1"], [:], nil, 1),
  ])
  func aFlagOverridesTheEnvironmentWhichOverridesTheFile(
    arguments: [String], environment: [String: String], file: String?, shards: Int?
  ) throws {
    #expect(try Self.resolve(arguments, environment: environment, file: file).configuration.shards == shards)
  }

  @Test(arguments: [
    (["--shards", "0"], [String: String](), String?.none, ["--shards takes 1 to 256, not '0'"]),
    (["--shards", "many"], [:], nil, ["--shards takes 1 to 256, not 'many'"]),
    ([], ["MANA_SHARDS": "257"], nil, ["MANA_SHARDS takes 1 to 256, not '257'"]),
    ([], [:], #"{"shards": -1}"#, ["shards in ", "takes 1 to 256, not '-1'"]),
    ([], [:], #"{"shards": "two"}"#, ["shards in ", "takes a whole number"]),
    ([], [:], #"{"shard": 1}"#, ["'shard' in ", "is no setting", "shards"]),
    ([], [:], "[1]", ["is no JSON object"]),
    ([], ["MANA_CONFIGURATION": "/nowhere/file"], nil, ["/nowhere/file cannot be read", "MANA_CONFIGURATION"]),
    (["--segment-bytes", "3000000"], [:], nil, ["--segment-bytes takes a power of two from ", "not '3000000'"]),
    (["--connections-max", "0"], [:], nil, ["--connections-max takes 1 to 1000000, not '0'"]),
    ([], ["MANA_IDLE_SECONDS": "0"], nil, ["MANA_IDLE_SECONDS takes 1 to 31536000, not '0'"]),
    ([], [:], #"{"ratePerIdentityMax": 0}"#, ["ratePerIdentityMax in ", "takes 1 to 1000000000, not '0'"]),
    (
      ["--resident-memory", "1000"], [:], nil,
      ["--resident-memory takes 65536 to 1125899906842624 bytes, not '1000'"]
    ),
    (["--listen", "nowhere"], [:], nil, ["--listen takes HOST:PORT", "not 'nowhere'"]),
    ([], ["MANA_LOG_LEVEL": "loud"], nil, ["MANA_LOG_LEVEL takes trace, debug", "not 'loud'"]),
    (["--log-format", "xml"], [:], nil, ["--log-format takes text or json, not 'xml'"]),
    ([], [:], #"{"logLinesPerMinute": -1}"#, ["logLinesPerMinute in ", "takes 0 to 1000000, not '-1'"]),
    ([], ["MANA_ALLOW_UNSUITABLE_FILE_SYSTEM": "maybe"], nil, ["takes true or false, not 'maybe'"]),
  ])
  func aWrongValueNamesItsPlaceAndItsRange(
    arguments: [String], environment: [String: String], file: String?, parts: [String]
  ) {
    let message = Self.message(arguments, environment: environment, file: file)
    for part in parts { #expect(message.contains(part), "\(message)") }
  }

  @Test func whatIsPrintedIsAFileThatSaysTheSame() throws {
    let first = try Self.resolve(
      ["--data-directory", "/a \"b\"", "--listen", "127.0.0.1:0", "--shards", "4", "--allow-unsuitable-file-system"],
      environment: [
        "MANA_LOG_LEVEL": "debug", "MANA_LOG_FORMAT": "json", "MANA_SEGMENT_BYTES": "2097152",
        "MANA_CONNECTIONS_PER_IDENTITY_MAX": "9", "MANA_RESIDENT_MEMORY": "4194304",
        "MANA_RATE_PER_IDENTITY_MAX": "1000", "MANA_IDLE_SECONDS": "60",
      ])
    let second = try Self.resolve(file: first.shown)
    #expect(second.shown == first.shown)
    #expect(second.configuration.dataDirectory == "/a \"b\"")
    #expect(second.configuration.shards == 4)
    #expect(second.configuration.connectionsMax == 10_000 && second.configuration.connectionsPerIdentityMax == 9)
    #expect(second.configuration.ratePerIdentityMax == 1_000 && second.configuration.idleSeconds == 60)
    #expect(second.configuration.residentBytesMax == 4 << 20)
    #expect(second.configuration.allowUnsuitableFileSystem)
    #expect(second.configuration.logger.logLevel == .debug)
    #expect(second.log.format == .json)
    #expect(second.shown.contains(#""logLinesPerMinute":60"#))
  }

  @Test func aSecretIsNeitherPrintedNorNamedInAMessage() throws {
    let environment = EnvironmentVariablesProvider(environmentVariables: ["MANA_PASSPHRASE": "hunter2"])
    var settings = Settings(environment: environment, file: nil)
    #expect(try settings.text("passphrase", flag: nil, isSecret: true) == "hunter2")
    #expect(settings.shown.description == #"{"passphrase":"<redacted>"}"#)
    do {
      _ = try settings.value("passphrase", flag: nil, range: "more", isSecret: true) { _ in Int?.none }
      Issue.record("accepted")
    } catch {
      #expect("\(error)" == "MANA_PASSPHRASE takes more, not '<redacted>'")
    }
  }
}
