#include "CAllocationCount.h"

#include <stdatomic.h>
#include <stddef.h>

static atomic_bool is_counting;
static atomic_uint_least64_t count;

void mana_count_allocations(bool counts) {
  if (counts) atomic_store(&count, 0);
  atomic_store(&is_counting, counts);
}

uint64_t mana_allocation_count(void) { return atomic_load(&count); }

#if defined(__linux__) && defined(__GLIBC__)

#include <errno.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t items, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

bool mana_can_count_allocations(void) { return true; }

// Off the measured stretches this costs a load, so that a program's other figures are what they are without it.
static inline void note(void) {
  if (atomic_load_explicit(&is_counting, memory_order_relaxed)) {
    atomic_fetch_add_explicit(&count, 1, memory_order_relaxed);
  }
}

void *malloc(size_t size) {
  note();
  return __libc_malloc(size);
}

void *calloc(size_t items, size_t size) {
  note();
  return __libc_calloc(items, size);
}

void *realloc(void *block, size_t size) {
  note();
  return __libc_realloc(block, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
  note();
  return __libc_memalign(alignment, size);
}

void *memalign(size_t alignment, size_t size) {
  note();
  return __libc_memalign(alignment, size);
}

int posix_memalign(void **block, size_t alignment, size_t size) {
  note();
  void *made = __libc_memalign(alignment, size);
  if (made == NULL) return ENOMEM;
  *block = made;
  return 0;
}

#else

bool mana_can_count_allocations(void) { return false; }

#endif
