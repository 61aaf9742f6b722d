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
  state = MANA_CRC32C_HAS_INSTRUCTION() ? mana_crc32c_instruction(state, start, count)
                                        : mana_crc32c_portable(state, start, count);
  return ~state;
}
