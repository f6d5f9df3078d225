// What the parts of the output share. They are linked with programs, and are no part of the server.
#pragma once

#include <cerrno>
#include <cstddef>
#include <unistd.h>

namespace chill_space {

// Writes all of it, with nothing but system calls. False if nobody takes it.
inline bool writeAll(int fd, const char* from, std::size_t size) {
  while (size > 0) {
    const ssize_t written = write(fd, from, size);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    from += written;
    size -= static_cast<std::size_t>(written);
  }
  return true;
}

// Writes what the program's own stream buffers hold and leaves them as they are. Async-signal-safe. Linked if there are any.
[[gnu::weak]] void rescueStreams();

}  // namespace chill_space
