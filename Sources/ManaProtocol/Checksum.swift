import CIntrinsics

/// The checksum of the wire and of the journal's headers: CRC32C, with the processor's instruction where it has one.
///
/// `"123456789"` gives `E3069283`; no bytes give 0. Linear, no allocation. Source: RFC 3720, appendix B.4.
public func crc32c(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
  mana_crc32c(bytes.baseAddress, bytes.count)
}
