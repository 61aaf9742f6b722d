// XXH3 from Debian's libxxhash-dev, compiled into the caller: nothing is linked.
#pragma once
#define XXH_INLINE_ALL
#include <xxhash.h>
