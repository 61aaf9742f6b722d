import ArgumentParser

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Where an export goes: standard output, or a file that appears under its name when it is complete.
struct ExportTarget: ~Copyable {
  private let console: Console
  private let file: (path: String, partialPath: String, descriptor: CInt)?

  /// Creates the file at `path` under a temporary name beside it; nil is standard output.
  init(path: String?, console: Console) throws {
    self.console = console
    guard let path else {
      file = nil
      return
    }
    let partialPath = path + ".partial"
    let descriptor = open(partialPath, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      console.error("\(partialPath): \(systemMessage(errno))")
      throw ExitCode(EX_CANTCREAT)
    }
    file = (path, partialPath, descriptor)
  }

  func write(_ text: String) throws {
    guard let file else { return console.write(text) }
    let code = Console.write(text, to: file.descriptor)
    guard code == 0 else { throw failure(file.partialPath, code) }
  }

  /// Gives the file its name. To be called once everything is written.
  consuming func finish() throws {
    guard let file else { return }
    guard close(file.descriptor) == 0 else { throw failure(file.partialPath, errno) }
    guard rename(file.partialPath, file.path) == 0 else { throw failure(file.path, errno) }
  }

  private func failure(_ path: String, _ code: CInt) -> ExitCode {
    console.error("\(path): \(systemMessage(code))")
    return ExitCode(EX_IOERR)
  }
}
