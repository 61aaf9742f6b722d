import Synchronization

/// The credentials that a running server goes by; every shard asks it at each handshake.
public final class CredentialStore: Sendable {
  private let file: CredentialsFile?
  private let held: Mutex<Credentials?>

  /// Lets everybody in.
  public init() {
    file = nil
    held = Mutex(nil)
  }

  /// Reads the file. Without one everybody is let in, unless it is `required`.
  public init(_ file: CredentialsFile, required: Bool) throws(CredentialsError) {
    self.file = file
    let credentials = try file.read()
    if required, credentials == nil {
      throw .file(path: file.path, problem: "there is no such file; make one with mana-server token create")
    }
    held = Mutex(credentials)
  }

  /// Nil: nobody needs credentials.
  public var current: Credentials? { held.withLock { $0 } }

  /// Reads the file again. What cannot be read changes nothing, and neither does a file that is gone: a mistake does not
  /// open a server.
  ///
  /// Returns the number of credentials there are now; nil when nobody needs any.
  public func reload() throws(CredentialsError) -> Int? {
    guard let file else { return nil }
    let credentials = try file.read()
    if credentials == nil, current != nil {
      throw .file(path: file.path, problem: "the file is gone; the credentials read before stay in force")
    }
    held.withLock { $0 = credentials }
    return credentials?.entries.count
  }
}
