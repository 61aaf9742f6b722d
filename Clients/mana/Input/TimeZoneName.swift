#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The name of a time zone that this system knows: `UTC`, `Europe/Berlin`.
///
/// The C library takes an unknown name for UTC without a word, so the file of the zone is looked for first.
struct TimeZoneName: Equatable, Sendable, CustomStringConvertible {
  let description: String

  /// Nil for a zone that the system has no rules for. Reads the first bytes of a file.
  init?(_ name: String) {
    guard name == "UTC" || Self.isInstalled(name) else { return nil }
    description = name
  }

  /// Makes it the zone of all local times of this process: the C library knows only one. To be called before there is
  /// a second thread, because another one could be reading the environment.
  func enter() {
    // The colon says that a name follows, which is never to be read as rules. UTC needs no file.
    setenv("TZ", description == "UTC" ? "UTC0" : ":\(description)", 1)
    tzset()
  }

  /// The zone that the environment gives to this process; nil for the system's own, and for rules without a name.
  static var current: TimeZoneName? {
    guard let text = Console.environment("TZ") else { return nil }
    return TimeZoneName(text.hasPrefix(":") ? String(text.dropFirst()) : text)
  }

  /// Whether a compiled zone with this name is below the folder of zones; its file begins with "TZif" (RFC 8536).
  private static func isInstalled(_ name: String) -> Bool {
    let parts = name.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.allSatisfy({ !$0.isEmpty && $0.first != "." }), !name.utf8.contains(0) else { return false }
    let folder = Console.environment("TZDIR") ?? "/usr/share/zoneinfo"
    let file = open("\(folder)/\(name)", O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return false }
    defer { close(file) }
    var magic: UInt32 = 0
    let count = read(file, &magic, MemoryLayout.size(ofValue: magic))
    return count == 4 && UInt32(bigEndian: magic) == 0x545A_6966
  }
}
