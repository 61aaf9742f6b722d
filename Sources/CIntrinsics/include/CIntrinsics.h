// Single instructions that Swift has no spelling for. Header-only: each is inlined into its caller.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/// Asks the processor to load the cache line of `address`; never faults, whatever the address.
static inline __attribute__((always_inline)) void mana_prefetch(const void *address) {
  __builtin_prefetch(address, 0, 3);
}

/// The same, for a line that will be written.
static inline __attribute__((always_inline)) void mana_prefetch_for_write(const void *address) {
  __builtin_prefetch(address, 1, 3);
}

/// Writes to each page of 4 KiB from `address` on without changing what it holds, so that the system hands it out. Others may
/// use the memory at the same time: a zero is replaced by a zero, atomically. (Adding nothing would be compiled to a load.)
static inline __attribute__((no_sanitize("thread"))) void mana_touch(void *address, size_t count) {
  for (size_t offset = 0; offset < count; offset += 4096) {
    uint8_t expected = 0;
    __atomic_compare_exchange_n(
        (uint8_t *)address + offset, &expected, 0, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
  }
}

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/// Compares the upper halves of the eight 64-bit slots of one aligned cache line. Bit i of the result is set when slot
/// i, under `mask`, equals `pattern`; bit 8 + i is set when the upper half of slot i is zero.
static inline __attribute__((always_inline)) uint32_t mana_match_slots(
    const void *line, uint32_t pattern, uint32_t mask) {
#if defined(__SSE2__)
  const __m128 *slots = (const __m128 *)line;
  const __m128i low = _mm_castps_si128(_mm_shuffle_ps(slots[0], slots[1], _MM_SHUFFLE(3, 1, 3, 1)));
  const __m128i high = _mm_castps_si128(_mm_shuffle_ps(slots[2], slots[3], _MM_SHUFFLE(3, 1, 3, 1)));
  const __m128i patterns = _mm_set1_epi32((int)pattern), masks = _mm_set1_epi32((int)mask);
  const __m128i none = _mm_setzero_si128();
  const __m128i equal = _mm_packs_epi32(_mm_cmpeq_epi32(_mm_and_si128(low, masks), patterns),
                                        _mm_cmpeq_epi32(_mm_and_si128(high, masks), patterns));
  const __m128i empty = _mm_packs_epi32(_mm_cmpeq_epi32(low, none), _mm_cmpeq_epi32(high, none));
  return (uint32_t)_mm_movemask_epi8(_mm_packs_epi16(equal, empty));
#else
  const uint64_t *slots = (const uint64_t *)line;
  uint32_t result = 0;
  for (int index = 0; index < 8; index++) {
    const uint32_t half = (uint32_t)(slots[index] >> 32);
    result |= (uint32_t)((half & mask) == pattern) << index;
    result |= (uint32_t)(half == 0) << (8 + index);
  }
  return result;
#endif
}

// CRC32C (Castagnoli, reflected, initial value and final complement of all ones), as in RFC 3720.
// Check value: "123456789" gives E3069283.

static inline uint32_t mana_crc32c_portable(uint32_t state, const uint8_t *bytes, size_t count) {
  for (size_t index = 0; index < count; index++) {
    state ^= bytes[index];
    for (int bit = 0; bit < 8; bit++) state = (state >> 1) ^ (0x82F63B78u & (0u - (state & 1)));
  }
  return state;
}

#if defined(__x86_64__)
static inline __attribute__((target("sse4.2"))) uint32_t mana_crc32c_instruction(
    uint32_t state, const uint8_t *bytes, size_t count) {
  uint64_t wide = state;
  while (count >= 8) {
    uint64_t word;
    memcpy(&word, bytes, 8);
    wide = __builtin_ia32_crc32di(wide, word);
    bytes += 8;
    count -= 8;
  }
  uint32_t narrow = (uint32_t)wide;
  while (count-- > 0) narrow = __builtin_ia32_crc32qi(narrow, *bytes++);
  return narrow;
}
#define MANA_CRC32C_HAS_INSTRUCTION() __builtin_cpu_supports("sse4.2")

#include <wmmintrin.h>

// The instruction takes three cycles and can begin one each cycle: three stripes of a kilobyte at a time keep it busy.
// A stripe's checksum is moved behind the stripes that follow by multiplying it with a power of x modulo the polynomial:
// x^(8n − 33), bits reflected, for n bytes; the instruction reduces the product. Source: Gopal et al., "Fast CRC
// Computation for iSCSI Polynomial Using CRC32 Instruction", Intel, 2011.
static inline __attribute__((target("sse4.2,pclmul"))) uint64_t mana_crc32c_behind(uint64_t state, uint64_t power) {
  const __m128i left = _mm_cvtsi64_si128((long long)state), right = _mm_cvtsi64_si128((long long)power);
  const __m128i product = _mm_clmulepi64_si128(left, right, 0);
  return __builtin_ia32_crc32di(0, (unsigned long long)_mm_cvtsi128_si64(product));
}

static inline __attribute__((target("sse4.2,pclmul"))) uint32_t mana_crc32c_striped(
    uint32_t state, const uint8_t *bytes, size_t count) {
  enum { stripe = 1024 };
  uint64_t first = state;
  while (count >= 3 * stripe) {
    uint64_t second = 0, third = 0;
    for (size_t offset = 0; offset < stripe; offset += 8) {
      uint64_t words[3];
      memcpy(&words[0], bytes + offset, 8);
      memcpy(&words[1], bytes + offset + stripe, 8);
      memcpy(&words[2], bytes + offset + 2 * stripe, 8);
      first = __builtin_ia32_crc32di(first, words[0]);
      second = __builtin_ia32_crc32di(second, words[1]);
      third = __builtin_ia32_crc32di(third, words[2]);
    }
    first = mana_crc32c_behind(first, 0xA51B6135) ^ mana_crc32c_behind(second, 0x170076FA) ^ third;
    bytes += 3 * stripe;
    count -= 3 * stripe;
  }
  return mana_crc32c_instruction((uint32_t)first, bytes, count);
}
#define MANA_CRC32C_HAS_STRIPES() __builtin_cpu_supports("pclmul")
#elif defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)
static inline uint32_t mana_crc32c_instruction(uint32_t state, const uint8_t *bytes, size_t count) {
  while (count >= 8) {
    uint64_t word;
    memcpy(&word, bytes, 8);
    state = __builtin_arm_crc32cd(state, word);
    bytes += 8;
    count -= 8;
  }
  while (count-- > 0) state = __builtin_arm_crc32cb(state, *bytes++);
  return state;
}
#define MANA_CRC32C_HAS_INSTRUCTION() 1
#else
#define mana_crc32c_instruction mana_crc32c_portable
#define MANA_CRC32C_HAS_INSTRUCTION() 0
#endif

/// The CRC32C of `count` bytes; `bytes` may be null when `count` is 0.
static inline uint32_t mana_crc32c(const void *bytes, size_t count) {
  uint32_t state = 0xFFFFFFFFu;
  const uint8_t *start = (const uint8_t *)bytes;
#if defined(__x86_64__)
  if (count >= 3 * 1024 && MANA_CRC32C_HAS_INSTRUCTION() && MANA_CRC32C_HAS_STRIPES())
    return ~mana_crc32c_striped(state, start, count);
#endif
  state = MANA_CRC32C_HAS_INSTRUCTION() ? mana_crc32c_instruction(state, start, count)
                                        : mana_crc32c_portable(state, start, count);
  return ~state;
}
