import Foundation

/// A directory of a test's own, removed with everything in it when the test is over.
final class TemporaryDirectory {
  let url: URL
  var path: String { url.path() }

  init() throws {
    url = FileManager.default.temporaryDirectory.appending(path: "mana-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit {
    do {
      try FileManager.default.removeItem(at: url)
    } catch {
      print("a test's directory was left behind: \(error)")
    }
  }
}
