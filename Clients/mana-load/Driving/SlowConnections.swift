import ManaClient
import ManaProtocol

/// Connections beside the measured ones whose callers are let in and then send a request byte by byte: the slow networks,
/// stuck programs and ill will that a server lives with.
///
/// Not `Sendable`: whoever makes it hands it to the one task that keeps it busy.
final class SlowConnections {
  private final class Member {
    let socket: Socket
    /// Bytes of the request that are sent.
    var sent = 0

    init(_ socket: consuming Socket) { self.socket = socket }
  }

  private let members: [Member]
  private let request: UnsafeMutableRawPointer
  private static let requestBytes = FrameHeader.bytes + Limits.pingBytesMax

  /// Connects and shakes hands, one after the other.
  init(_ count: Int, to address: ServerAddress, as credential: ManaClient.Credential?) throws(LoadError) {
    let wanted = count + LoadLimits.descriptorsBesideSlowConnections
    let allowed = System.allowOpenFiles(wanted)
    guard allowed >= wanted else {
      throw .usage(
        "--slow-connections \(count) needs \(wanted) open files, and the system allows \(allowed): see `ulimit -n`.")
    }
    var members: [Member] = []
    members.reserveCapacity(count)
    for _ in 0..<count {
      let greeted = try RawHandshake.connect(to: address, as: credential)
      members.append(Member(greeted.socket))
    }
    self.members = members
    request = .allocate(byteCount: Self.requestBytes, alignment: 8)
    request.zero(FrameHeader.bytes, count: Limits.pingBytesMax)
    FrameHeader.seal(
      request, FrameHeader(opcode: Opcode.ping.rawValue, correlation: 1), bodyBytes: Limits.pingBytesMax)
  }

  deinit { request.deallocate() }

  /// Sends each connection a byte in each second, spread evenly, until the task is cancelled. Returns how many
  /// connections the server has ended by then.
  func dribble() async -> Int {
    var list = SendList(capacity: 1)
    var ended = 0
    var next = 0
    let share = max(1, members.count / LoadLimits.slowTurnsPerSecond)
    while !Task.isCancelled {
      for _ in 0..<share where !members.isEmpty {
        let member = members[next]
        next = (next + 1) % members.count
        guard member.sent >= 0 else { continue }
        list.removeAll()
        _ = list.append(request + member.sent, count: 1)
        do throws(SystemError) {
          member.sent = (member.sent + (try member.socket.send(list))) % Self.requestBytes
        } catch {
          member.sent = -1
          ended += 1
        }
      }
      // Cancellation is the only error of a sleep, and the loop's end.
      try? await Task.sleep(nanoseconds: 1_000_000_000 / UInt64(LoadLimits.slowTurnsPerSecond))
    }
    return ended + members.count { $0.sent >= 0 && hasEnded($0.socket) }
  }

  /// Whether the server has said, behind what it has answered, that it sends no more.
  private func hasEnded(_ socket: borrowing Socket) -> Bool {
    withUnsafeTemporaryAllocation(byteCount: 4_096, alignment: 8) { room in
      do throws(SystemError) {
        while let count = try socket.receive(into: room.baseAddress!, count: room.count) {
          if count == 0 { return true }
        }
        return false
      } catch {
        return true
      }
    }
  }
}
