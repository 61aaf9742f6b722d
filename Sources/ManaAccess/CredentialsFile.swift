import Glibc

/// A credentials file: read whole, and replaced whole, so that a reader sees the old one or the new one.
public struct CredentialsFile: Sendable {
  /// The file's name in a data directory.
  public static let nameInDataDirectory = "credentials"

  public let path: String

  public init(path: String) { self.path = path }

  private var file: WholeFile { WholeFile(path: path) }

  /// Reads it; nil when there is none. Refuses one that others may write.
  public func read() throws(CredentialsError) -> Credentials? {
    guard let text = try file.read() else { return nil }
    do {
      return try Credentials(parsing: text)
    } catch {
      throw .file(path: path, problem: error.description)
    }
  }

  /// Changes it: reads it, or begins with none, and puts what `body` makes of that in its place. Processes that do so
  /// at the same time wait for each other.
  public func update<Result>(
    _ body: (inout Credentials) throws(CredentialsError) -> Result
  ) throws(CredentialsError) -> Result {
    let lock = open(path + ".lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard lock >= 0 else { throw file.failure("lock") }
    defer { close(lock) }
    while flock(lock, LOCK_EX) != 0 {
      guard errno == EINTR else { throw file.failure("lock") }
    }
    var credentials = try read() ?? Credentials()
    let result = try body(&credentials)
    try file.replace(with: credentials.text)
    return result
  }
}
