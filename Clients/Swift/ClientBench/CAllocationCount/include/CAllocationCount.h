// Counts what a program allocates, where the C library is glibc: its allocation functions stand in front of the library's.

#ifndef C_ALLOCATION_COUNT_H
#define C_ALLOCATION_COUNT_H

#include <stdbool.h>
#include <stdint.h>

/// Begins to count at zero, or ends counting.
void mana_count_allocations(bool counts);

/// Blocks that were allocated, or allocated anew, by all threads while counting was on.
uint64_t mana_allocation_count(void);

/// Whether there is anything to count with.
bool mana_can_count_allocations(void);

#endif
