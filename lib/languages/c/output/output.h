// Shared by the objects that are linked with C and C++ programs. Valid in both languages.
#pragma once

#include <errno.h>
#include <stddef.h>
#include <unistd.h>

#ifdef __cplusplus
extern "C" {
#endif

// Writes all of it with system calls alone. Returns 0 if the reader is away.
static inline int chill_space_write_all(int fd, const char* from, size_t size) {
  while (size > 0) {
    const ssize_t written = write(fd, from, size);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return 0;
    from += written;
    size -= (size_t)written;
  }
  return 1;
}

// Writes the content of the program's C++ stream buffers and leaves them as they are.
// Async-signal-safe. Linked only with programs that have such buffers.
__attribute__((weak)) void chill_space_rescue_streams(void);

#ifdef __cplusplus
}
#endif
