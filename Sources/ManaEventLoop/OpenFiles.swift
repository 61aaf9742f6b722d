/// Raises the number of files and sockets that this process may have open to `count`, as far as the system lets it.
///
/// Returns how many it may have open then. Never lowers the number.
public func allowOpenFiles(_ count: Int) -> Int { SystemCalls.allowOpenFiles(count) }
