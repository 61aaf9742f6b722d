// SHA-256, FIPS 180-4. Blocks of 64 bytes; the last ones hold
//
//   the rest of the message · 80 · zeros · length of the message in bits, u64 big-endian
//
// Written out here because it is the only cryptographic function the command needs, for identity and not for secrecy:
// a package that brings one compiles a whole TLS library for it. Tested against the vectors of the standard.

/// Computes the SHA-256 digest of bytes that arrive in pieces.
struct SHA256: ~Copyable {
  /// The eight words of a digest; word 0 holds its first four bytes, big-endian.
  typealias Digest = InlineArray<8, UInt32>

  private static let blockBytes = 64

  private var state: Digest = [
    0x6A09_E667, 0xBB67_AE85, 0x3C6E_F372, 0xA54F_F53A, 0x510E_527F, 0x9B05_688C, 0x1F83_D9AB, 0x5BE0_CD19,
  ]
  /// Bytes of a block that is not full yet.
  private let pending = UnsafeMutableRawPointer.allocate(byteCount: blockBytes, alignment: 8)
  private var pendingCount = 0
  private var messageBytes: UInt64 = 0

  init() {}

  deinit { pending.deallocate() }

  /// Takes the next bytes of the message. Linear.
  mutating func update(_ bytes: UnsafeRawBufferPointer) {
    messageBytes += UInt64(bytes.count)
    guard var next = bytes.baseAddress else { return }
    var left = bytes.count
    if pendingCount > 0 {
      let taken = min(left, Self.blockBytes - pendingCount)
      (pending + pendingCount).copyMemory(from: next, byteCount: taken)
      pendingCount += taken
      next += taken
      left -= taken
      guard pendingCount == Self.blockBytes else { return }
      Self.compress(&state, pending)
      pendingCount = 0
    }
    while left >= Self.blockBytes {
      Self.compress(&state, next)
      next += Self.blockBytes
      left -= Self.blockBytes
    }
    pending.copyMemory(from: next, byteCount: left)
    pendingCount = left
  }

  /// The digest of everything taken so far. The value is of no further use.
  consuming func finish() -> Digest {
    let bits = messageBytes * 8
    pending.storeBytes(of: 0x80, toByteOffset: pendingCount, as: UInt8.self)
    pendingCount += 1
    if pendingCount > Self.blockBytes - 8 {
      (pending + pendingCount).initializeMemory(as: UInt8.self, repeating: 0, count: Self.blockBytes - pendingCount)
      Self.compress(&state, pending)
      pendingCount = 0
    }
    let zeros = Self.blockBytes - 8 - pendingCount
    (pending + pendingCount).initializeMemory(as: UInt8.self, repeating: 0, count: zeros)
    pending.storeBytes(of: bits.bigEndian, toByteOffset: Self.blockBytes - 8, as: UInt64.self)
    Self.compress(&state, pending)
    return state
  }

  /// Folds the block of 64 bytes at `block` into `state`.
  private static func compress(_ state: inout Digest, _ block: UnsafeRawPointer) {
    var schedule = InlineArray<64, UInt32>(repeating: 0)
    for index in 0..<16 {
      schedule[index] = UInt32(bigEndian: block.loadUnaligned(fromByteOffset: index * 4, as: UInt32.self))
    }
    for index in 16..<64 {
      let early = schedule[index - 15]
      let late = schedule[index - 2]
      let spreadEarly = rotate(early, 7) ^ rotate(early, 18) ^ (early >> 3)
      let spreadLate = rotate(late, 17) ^ rotate(late, 19) ^ (late >> 10)
      schedule[index] = schedule[index - 16] &+ spreadEarly &+ schedule[index - 7] &+ spreadLate
    }
    var (a, b, c, d) = (state[0], state[1], state[2], state[3])
    var (e, f, g, h) = (state[4], state[5], state[6], state[7])
    for index in 0..<64 {
      let choice = (e & f) ^ (~e & g)
      let majority = (a & b) ^ (a & c) ^ (b & c)
      let first =
        h &+ (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) &+ choice &+ constants[index] &+ schedule[index]
      let second = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) &+ majority
      (h, g, f, e, d, c, b, a) = (g, f, e, d &+ first, c, b, a, first &+ second)
    }
    state[0] &+= a
    state[1] &+= b
    state[2] &+= c
    state[3] &+= d
    state[4] &+= e
    state[5] &+= f
    state[6] &+= g
    state[7] &+= h
  }

  @inline(__always)
  private static func rotate(_ word: UInt32, _ bits: UInt32) -> UInt32 { (word >> bits) | (word << (32 - bits)) }

  /// The first 32 bits of the fractional parts of the cube roots of the first 64 primes.
  private static let constants: InlineArray<64, UInt32> = [
    0x428A_2F98, 0x7137_4491, 0xB5C0_FBCF, 0xE9B5_DBA5, 0x3956_C25B, 0x59F1_11F1, 0x923F_82A4, 0xAB1C_5ED5,
    0xD807_AA98, 0x1283_5B01, 0x2431_85BE, 0x550C_7DC3, 0x72BE_5D74, 0x80DE_B1FE, 0x9BDC_06A7, 0xC19B_F174,
    0xE49B_69C1, 0xEFBE_4786, 0x0FC1_9DC6, 0x240C_A1CC, 0x2DE9_2C6F, 0x4A74_84AA, 0x5CB0_A9DC, 0x76F9_88DA,
    0x983E_5152, 0xA831_C66D, 0xB003_27C8, 0xBF59_7FC7, 0xC6E0_0BF3, 0xD5A7_9147, 0x06CA_6351, 0x1429_2967,
    0x27B7_0A85, 0x2E1B_2138, 0x4D2C_6DFC, 0x5338_0D13, 0x650A_7354, 0x766A_0ABB, 0x81C2_C92E, 0x9272_2C85,
    0xA2BF_E8A1, 0xA81A_664B, 0xC24B_8B70, 0xC76C_51A3, 0xD192_E819, 0xD699_0624, 0xF40E_3585, 0x106A_A070,
    0x19A4_C116, 0x1E37_6C08, 0x2748_774C, 0x34B0_BCB5, 0x391C_0CB3, 0x4ED8_AA4A, 0x5B9C_CA4F, 0x682E_6FF3,
    0x748F_82EE, 0x78A5_636F, 0x84C8_7814, 0x8CC7_0208, 0x90BE_FFFA, 0xA450_6CEB, 0xBEF9_A3F7, 0xC671_78F2,
  ]
}
