// XXH3 from Debian's libxxhash-dev, compiled into the caller: nothing is linked.
#pragma once
#define XXH_INLINE_ALL
#include <xxhash.h>

/// XXH3-128 under a name that Swift can see: the inlined original is a macro.
static inline XXH128_hash_t mana_xxh3_128(const void *bytes, size_t count) { return XXH3_128bits(bytes, count); }
