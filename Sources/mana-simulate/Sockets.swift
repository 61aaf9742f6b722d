// The system's socket calls, as far as `ManaEventLoop/SystemCalls.swift` makes them, for the simulated machine. The
// linker finds them here before it looks into the C library. A descriptor is a real one, of `/dev/null`, so that
// `close` stays the system's own.

import Glibc
import ManaTesting

private func newDescriptor() -> Int32 { open("/dev/null", O_RDONLY | O_CLOEXEC) }

private func failing(_ code: Int32) -> Int32 {
  errno = code
  return -1
}

@_cdecl("socket")
public func simulatedSocket(_ domain: Int32, _ type: Int32, _ protocol: Int32) -> Int32 { newDescriptor() }

@_cdecl("setsockopt")
public func simulatedSetOption(
  _ descriptor: Int32, _ level: Int32, _ option: Int32, _ value: UnsafeRawPointer?, _ length: UInt32
) -> Int32 { 0 }

@_cdecl("bind")
public func simulatedBind(_ descriptor: Int32, _ address: UnsafeRawPointer?, _ length: UInt32) -> Int32 { 0 }

@_cdecl("listen")
public func simulatedListen(_ descriptor: Int32, _ backlog: Int32) -> Int32 {
  machine.isListening = true
  return 0
}

@_cdecl("accept4")
public func simulatedAccept(
  _ descriptor: Int32, _ address: UnsafeMutableRawPointer?, _ length: UnsafeMutableRawPointer?, _ flags: Int32
) -> Int32 {
  guard !machine.backlog.isEmpty else { return failing(EAGAIN) }
  if machine.failingAccepts > 0 {
    machine.failingAccepts -= 1
    machine.counts[.acceptFailure] += 1
    // The connection was lost before it was accepted, or there is no descriptor for it.
    guard machine.failingAccepts % 2 == 0 else { return failing(EMFILE) }
    machine.backlog.removeFirst().cut()
    return failing(ECONNABORTED)
  }
  let accepted = newDescriptor()
  if accepted >= 0 { machine.register(machine.backlog.removeFirst(), as: accepted) }
  return accepted
}

@_cdecl("getsockname")
public func simulatedName(
  _ descriptor: Int32, _ address: UnsafeMutableRawPointer, _ length: UnsafeMutablePointer<UInt32>
) -> Int32 { store(port: 7420, to: address, length) }

@_cdecl("getpeername")
public func simulatedPeerName(
  _ descriptor: Int32, _ address: UnsafeMutableRawPointer, _ length: UnsafeMutablePointer<UInt32>
) -> Int32 {
  guard let link = machine.link(of: descriptor), !link.isCut else { return failing(ENOTCONN) }
  return store(port: UInt16(truncatingIfNeeded: 10_000 + link.number % 50_000), to: address, length)
}

private func store(
  port: UInt16, to address: UnsafeMutableRawPointer, _ length: UnsafeMutablePointer<UInt32>
) -> Int32 {
  var name = sockaddr_in()
  name.sin_family = sa_family_t(AF_INET)
  name.sin_port = port.bigEndian
  name.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
  let bytes = MemoryLayout<sockaddr_in>.size
  withUnsafeBytes(of: name) { address.copyMemory(from: $0.baseAddress!, byteCount: bytes) }
  length.pointee = UInt32(bytes)
  return 0
}

@_cdecl("shutdown")
public func simulatedShutdown(_ descriptor: Int32, _ how: Int32) -> Int32 {
  guard let link = machine.link(of: descriptor), !link.isCut else { return failing(ENOTCONN) }
  link.toClient.end()
  return 0
}
