#pragma once
#include <sys/socket.h>
#include <uv.h>

// The C library declares these only under _GNU_SOURCE, which Swift's import of it does not set.
int accept4(int descriptor, struct sockaddr *address, socklen_t *length, int flags);
int pthread_setname_np(uv_thread_t thread, const char *name);
