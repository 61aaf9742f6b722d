import Glibc
import Testing

@testable import mana_bench

/// What a power cut takes, and what it leaves: a torture that lost nothing would prove nothing without it.
@Suite(.enabled("root, loop devices and mkfs.ext4 are to be had") { PoweredDisk.isToBeHad() }) struct PoweredDiskTests {
  @Test func whatWasNotFlushedIsGone() throws {
    let workbench = try Workbench(below: "/var/tmp")
    defer { workbench.clear() }
    let disk = try PoweredDisk(workbench)
    let (flushed, unflushed) = ("\(disk.path)/flushed", "\(disk.path)/unflushed")
    try System.writeFile(flushed, "here to stay")
    for path in [flushed, disk.path] {
      let descriptor = open(path, O_RDONLY)
      #expect(fsync(descriptor) == 0)
      close(descriptor)
    }
    try System.writeFile(unflushed, "gone")
    try disk.cut()
    #expect(throws: BenchError.self) { try System.writeFile("\(disk.path)/later", "") }
    try disk.restore()
    #expect(System.text(of: flushed) == "here to stay")
    #expect(System.text(of: unflushed) == nil)
    try disk.close()
  }
}

extension PoweredDisk {
  fileprivate static func isToBeHad() -> Bool {
    do throws(BenchError) {
      let workbench = try Workbench(below: "/var/tmp")
      defer { workbench.clear() }
      try PoweredDisk(workbench).close()
      return true
    } catch {
      return false
    }
  }
}
