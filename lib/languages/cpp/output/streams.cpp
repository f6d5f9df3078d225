// Linked with programs that call `std::ios_base::sync_with_stdio(false)`. The C++ streams then have
// their own buffers, of kilobytes. Here they write each line, as C's stdout does.
#include "output.h"

#include <cstring>
#include <iostream>
#include <new>
#include <streambuf>

namespace {

// Its base class knows of no buffer, so that every character passes through here.
class LineBuffer : public std::streambuf {
 public:
  explicit LineBuffer(int fd) : fd_(fd) {}

  void rescue() const { chill_space_write_all(fd_, content_, size_); }

 protected:
  int_type overflow(int_type value) override {
    if (traits_type::eq_int_type(value, traits_type::eof())) return traits_type::not_eof(value);
    const char character = traits_type::to_char_type(value);
    return xsputn(&character, 1) == 1 ? value : traits_type::eof();
  }

  std::streamsize xsputn(const char* from, std::streamsize count) override {
    const auto size = static_cast<std::size_t>(count);
    if (size > sizeof content_ - size_ && !flush()) return 0;
    if (size > sizeof content_) return chill_space_write_all(fd_, from, size) ? count : 0;
    std::memcpy(content_ + size_, from, size);
    size_ += size;
    return std::memchr(from, '\n', size) == nullptr || flush() ? count : 0;
  }

  int sync() override { return flush() ? 0 : -1; }

 private:
  bool flush() {
    const std::size_t size = size_;
    size_ = 0;
    return chill_space_write_all(fd_, content_, size) != 0;
  }

  int fd_;
  std::size_t size_ = 0;
  char content_[8192];
};

// Never destroyed: the program's last destructors may print.
alignas(LineBuffer) char storage[2][sizeof(LineBuffer)];
LineBuffer* out;
LineBuffer* log;

// Runs after the program's own destructors.
[[gnu::destructor(101)]] void end() {
  for (LineBuffer* const buffer : {out, log})
    if (buffer != nullptr) buffer->pubsync();
}

}  // namespace

extern "C" {

void chill_space_rescue_streams() {
  if (out != nullptr) out->rescue();
  if (log != nullptr) log->rescue();
}

bool __real__ZNSt8ios_base15sync_with_stdioEb(bool isTogether);

// `std::ios_base::sync_with_stdio`: the linker's `--wrap` sends its callers here.
bool __wrap__ZNSt8ios_base15sync_with_stdioEb(bool isTogether) {
  const std::streambuf* const before = std::cout.rdbuf();
  const bool wasTogether = __real__ZNSt8ios_base15sync_with_stdioEb(isTogether);
  // The library did nothing, for example because the streams were separated before.
  if (out != nullptr || std::cout.rdbuf() == before) return wasTogether;
  out = new (storage[0]) LineBuffer(STDOUT_FILENO);
  log = new (storage[1]) LineBuffer(STDERR_FILENO);
  std::cout.rdbuf(out);
  std::clog.rdbuf(log);
  return wasTogether;
}
}
