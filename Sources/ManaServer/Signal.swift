/// The signals that a server heeds, by their POSIX numbers, which are the same wherever it runs.
enum Signal {
  static let hangUp: Int32 = 1
  static let interrupt: Int32 = 2
  static let terminate: Int32 = 15
}
