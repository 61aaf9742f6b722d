// Little-endian loads and stores at byte offsets, without alignment requirements.
//
// This file is the only place of the module that turns bytes into integers. Nothing here checks bounds: each caller
// has checked the length of the whole structure before it reads the first field.

extension UnsafeRawPointer {
  @inlinable @inline(__always)
  public func u8(_ offset: Int) -> UInt8 { load(fromByteOffset: offset, as: UInt8.self) }

  @inlinable @inline(__always)
  public func u16(_ offset: Int) -> UInt16 {
    UInt16(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt16.self))
  }

  @inlinable @inline(__always)
  public func u32(_ offset: Int) -> UInt32 {
    UInt32(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }

  @inlinable @inline(__always)
  public func u64(_ offset: Int) -> UInt64 {
    UInt64(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }

  @inlinable @inline(__always)
  public func i64(_ offset: Int) -> Int64 { Int64(bitPattern: u64(offset)) }

  @inlinable @inline(__always)
  public func u128(_ offset: Int) -> UInt128 { UInt128(u64(offset + 8)) << 64 | UInt128(u64(offset)) }

  /// Whether `count` bytes from `offset` are all zero. Linear.
  @inlinable
  public func isZero(_ offset: Int, count: Int) -> Bool {
    for index in offset..<offset + count where u8(index) != 0 { return false }
    return true
  }
}

extension UnsafeMutableRawPointer {
  @inlinable @inline(__always)
  public func store(u8 value: UInt8, _ offset: Int) { storeBytes(of: value, toByteOffset: offset, as: UInt8.self) }

  @inlinable @inline(__always)
  public func store(u16 value: UInt16, _ offset: Int) {
    storeBytes(of: value.littleEndian, toByteOffset: offset, as: UInt16.self)
  }

  @inlinable @inline(__always)
  public func store(u32 value: UInt32, _ offset: Int) {
    storeBytes(of: value.littleEndian, toByteOffset: offset, as: UInt32.self)
  }

  @inlinable @inline(__always)
  public func store(u64 value: UInt64, _ offset: Int) {
    storeBytes(of: value.littleEndian, toByteOffset: offset, as: UInt64.self)
  }

  @inlinable @inline(__always)
  public func store(i64 value: Int64, _ offset: Int) { store(u64: UInt64(bitPattern: value), offset) }

  @inlinable @inline(__always)
  public func store(u128 value: UInt128, _ offset: Int) {
    store(u64: UInt64(truncatingIfNeeded: value), offset)
    store(u64: UInt64(truncatingIfNeeded: value >> 64), offset + 8)
  }

  /// Sets `count` bytes from `offset` to zero.
  @inlinable @inline(__always)
  public func zero(_ offset: Int, count: Int) {
    (self + offset).initializeMemory(as: UInt8.self, repeating: 0, count: count)
  }
}

/// `bytes` rounded up to a multiple of 8, to which every frame and body is padded.
@inlinable @inline(__always)
public func paddedToWords(_ bytes: Int) -> Int { (bytes + 7) & ~7 }
