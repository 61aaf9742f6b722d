// The state of a ledger as bytes, for a checkpoint: little-endian words of 64 bits and the tables' memory as it is.
//
// An image saves time and nothing else: whatever is in it follows from the records, too. So its layout may change with
// each version of the program, and an image of another one is not read. What it is read from proves that the bytes are
// those that were written (a checkpoint's hashes); what is checked here beyond that is that nothing in them leads outside
// of the tables, and that the accounts have the digest.

/// Takes the bytes of an image, one piece behind the other.
public protocol ImageSink {
  associatedtype Failure: Error
  mutating func append(_ bytes: UnsafeRawBufferPointer) throws(Failure)
}

/// Gives the bytes of an image back, in their order.
public protocol ImageSource {
  associatedtype Failure: Error
  /// Fills the buffer with the bytes that follow.
  mutating func read(into bytes: UnsafeMutableRawBufferPointer) throws(Failure)
}

/// Why an image is no ledger.
public enum ImageError<Failure: Error>: Error {
  /// Its bytes cannot be had.
  case source(Failure)
  /// Another version of the program wrote it.
  case version(UInt64)
  /// What is in it contradicts itself.
  case unsound(StaticString)
}

extension ImageSink {
  mutating func append(number: UInt64) throws(Failure) {
    var little = number.littleEndian
    // A typed throw does not pass through `withUnsafeBytes`.
    let result = withUnsafeBytes(of: &little) { bytes -> Result<Void, Failure> in
      do throws(Failure) { return .success(try append(bytes)) } catch { return .failure(error) }
    }
    try result.get()
  }

  mutating func append(number: Int) throws(Failure) { try append(number: UInt64(number)) }
}

extension ImageSource {
  mutating func bytes(_ buffer: UnsafeMutableRawBufferPointer) throws(ImageError<Failure>) {
    do throws(Failure) {
      try read(into: buffer)
    } catch {
      throw .source(error)
    }
  }

  mutating func number() throws(ImageError<Failure>) -> UInt64 {
    var little: UInt64 = 0
    let result = withUnsafeMutableBytes(of: &little) { buffer -> Result<Void, ImageError<Failure>> in
      do throws(ImageError<Failure>) { return .success(try bytes(buffer)) } catch { return .failure(error) }
    }
    try result.get()
    return UInt64(littleEndian: little)
  }

  /// A number that is at most `max`.
  mutating func number(upTo max: Int, _ what: StaticString) throws(ImageError<Failure>) -> Int {
    let number = try number()
    guard number <= UInt64(max) else { throw .unsound(what) }
    return Int(number)
  }
}

extension SlabArray {
  /// The elements, behind their number.
  func writeImage<Sink: ImageSink>(to sink: inout Sink) throws(Sink.Failure) {
    try sink.append(number: count)
    let perSlab = 1 << shift
    for first in Swift.stride(from: 0, to: count, by: perSlab) {
      try sink.append(UnsafeRawBufferPointer(start: self[first], count: min(perSlab, count - first) * stride))
    }
  }

  /// Appends the elements of an image.
  mutating func append<Source: ImageSource>(image source: inout Source) throws(ImageError<Source.Failure>) {
    let total = try source.number(upTo: Int(UInt32.max), "a table has at most 2^32 - 1 elements")
    let perSlab = 1 << shift
    for first in Swift.stride(from: 0, to: total, by: perSlab) {
      let elements = min(perSlab, total - first)
      // One slab at a time, so that a number that is too large ends with the bytes.
      for _ in 0..<elements { _ = append() }
      try source.bytes(UnsafeMutableRawBufferPointer(start: self[first], count: elements * stride))
    }
  }
}
