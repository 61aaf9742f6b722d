/// An ext4 of its own on a loop device, which loses its power when it is told to: everything that was not flushed is gone.
final class PoweredDisk {
  private let workbench: Workbench
  private let image: String
  /// Where it is mounted.
  let path: String
  private var isMounted = false

  /// Makes the file system and mounts it. Takes root, loop devices and `mkfs.ext4`.
  init(_ workbench: Workbench) throws(BenchError) {
    self.workbench = workbench
    image = workbench.path("disk.image")
    path = workbench.path("disk")
    try System.makeSparseFile(image, bytes: TortureLimits.diskBytes)
    try System.makeDirectory(path)
    try run("mkfs.ext4", ["-q", "-F", "-m", "0", image])
    try mount()
    // Tells a file system that can be cut off from one that cannot.
    try cut()
    try restore()
  }

  /// Cuts the power: what was not flushed is lost, and every access fails from now on.
  func cut() throws(BenchError) { try System.shutDownFileSystem(path) }

  /// Gives power again, and lets the file system recover. Nothing may have a file open there.
  func restore() throws(BenchError) {
    try unmount()
    try mount()
  }

  /// Ends it. The image is kept under `evidence` when that is given.
  func close(keepingAs evidence: String? = nil) throws(BenchError) {
    if isMounted { try unmount() }
    if let evidence { try System.rename(image, to: evidence) }
  }

  private func mount() throws(BenchError) {
    try run("mount", ["-o", "loop", image, path])
    isMounted = true
  }

  private func unmount() throws(BenchError) {
    try run("umount", [path])
    isMounted = false
  }

  private func run(_ name: String, _ arguments: [String]) throws(BenchError) {
    guard let program = Program.find(name, folders: ["/usr/sbin", "/sbin"]) else {
      throw .missing(program: name, advice: "Install it: apt-get install e2fsprogs mount")
    }
    try workbench.run(name, at: program, arguments)
  }
}
