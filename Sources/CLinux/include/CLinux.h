// What Swift's Glibc module leaves out because it is not POSIX: nothing but spellings, inlined into the caller.
#pragma once
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>
#include <time.h>

/// open(2): reads and writes go past the page cache.
static const int MANA_O_DIRECT = __O_DIRECT;

/// madvise(2): touch the pages now, as if written. Linux 5.14.
static const int MANA_MADV_POPULATE_WRITE = 23;

/// madvise(2): back the range with huge pages.
static const int MANA_MADV_HUGEPAGE = 14;

/// mallopt(3): allocations below `mapped` bytes come out of the heap, which keeps `kept` bytes at its end when memory is
/// freed, and is widened by so many more than are asked for.
static inline void mana_keep_freed_memory(int mapped, int kept) {
  mallopt(M_MMAP_THRESHOLD, mapped);
  mallopt(M_TRIM_THRESHOLD, kept);
  mallopt(M_TOP_PAD, kept / 4);
}

/// The magic number of the file system that holds `path` (statfs(2)), or -1 with errno set.
static inline int64_t mana_file_system_type(const char *path) {
  struct statfs status;
  return statfs(path, &status) == 0 ? (int64_t)(uint32_t)status.f_type : -1;
}

/// fallocate(2) without flags: takes room for the first `bytes` of a file.
static inline int mana_fallocate(int descriptor, int64_t bytes) {
  extern int fallocate64(int, int, int64_t, int64_t);
  return fallocate64(descriptor, 0, 0, bytes);
}

/// Names a thread, in at most 15 bytes, for those who look at it from outside.
static inline int mana_name_thread(pthread_t thread, const char *name) {
  extern int pthread_setname_np(pthread_t, const char *);
  return pthread_setname_np(thread, name);
}

/// Lets the calling thread run on one processor only (sched_setaffinity(2)); -1 with errno set when it may not.
static inline int mana_run_on_processor(int processor) {
  extern int sched_setaffinity(int, unsigned long, const void *);
  const int bits = 8 * sizeof(unsigned long);
  unsigned long mask[16] = {0};
  if (processor < 0 || processor >= 16 * bits) return -1;
  mask[processor / bits] = 1ul << processor % bits;
  return sched_setaffinity(0, sizeof mask, mask);
}

/// poll(2) with a timeout in nanoseconds instead of milliseconds.
static inline int mana_poll(struct pollfd *entries, unsigned long count, const struct timespec *timeout) {
  extern int ppoll(struct pollfd *, unsigned long, const struct timespec *, const void *);
  return ppoll(entries, count, timeout, 0);
}

/// ioctl(2) with EXT4_IOC_SHUTDOWN: an ext4 forgets what it has not flushed, and fails every access until it is mounted
/// again. Like a power cut, for who tests one.
static inline int mana_shut_down_file_system(int descriptor) {
  uint32_t without_flushing_its_log = 2;
  return ioctl(descriptor, _IOR('X', 125, uint32_t), &without_flushing_its_log);
}
