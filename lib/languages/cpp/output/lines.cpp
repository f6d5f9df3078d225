// Linked with every C++ program, so that what it printed is seen while it runs and is not lost when it crashes.
//
// Standard output is a pipe, for which the C library collects kilobytes before it writes. Here it writes each line, as it
// does for a terminal. A program that dies of a signal writes its last, unfinished line before that.
#include "output.h"

#include <csignal>
#include <cstdio>
#include <initializer_list>

namespace {

pid_t owner;
// The handler's own stack: a program that has used up its stack crashes, too. It takes no memory
// until then.
alignas(16) char signalStack[64 * 1024];

// Async-signal-safe: it looks where the C library's buffer begins and ends, and takes no lock,
// which the program may hold.
void rescue(int signal) {
  // A forked child has a copy of what its parent will write.
  if (getpid() == owner) {
#ifdef __GLIBC__
    const FILE* const out = stdout;
    if (out != nullptr && out->_IO_write_ptr > out->_IO_write_base) {
      const auto size = static_cast<std::size_t>(out->_IO_write_ptr - out->_IO_write_base);
      chill_space::writeAll(out->_fileno, out->_IO_write_base, size);
    }
#endif
    if (chill_space::rescueStreams != nullptr) chill_space::rescueStreams();
  }
  // The signal is blocked and has its default action again: it ends the program as soon as this
  // returns.
  raise(signal);
}

[[gnu::constructor(101)]] void begin() {
  owner = getpid();
  std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
  stack_t stack = {};
  stack.ss_sp = signalStack;
  stack.ss_size = sizeof signalStack;
  sigaltstack(&stack, nullptr);
  struct sigaction action = {};
  action.sa_handler = rescue;
  action.sa_flags = static_cast<int>(SA_RESETHAND) | SA_ONSTACK;
  for (const int signal : {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP}) sigaction(signal, &action, nullptr);
}

}  // namespace
