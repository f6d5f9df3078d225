// Linked with every C and C++ program: its output is seen while it runs, and survives a crash.
//
// The C library buffers kilobytes before it writes to a pipe. Here stdout is line-buffered, as on a
// terminal. A program that dies of a signal first writes its last, unfinished line.
#include "output.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

static pid_t owner;
// The handler has its own stack, since a program that has used up its stack crashes, too. It takes
// no memory until then.
static char signal_stack[64 * 1024] __attribute__((aligned(16)));

// Async-signal-safe: it reads the bounds of the C library's buffer and takes no lock, which the
// program may hold.
static void rescue(int signal) {
  // A forked child has a copy of its parent's unwritten output.
  if (getpid() == owner) {
#ifdef __GLIBC__
    const FILE* const out = stdout;
    if (out != NULL && out->_IO_write_ptr > out->_IO_write_base) {
      const size_t size = (size_t)(out->_IO_write_ptr - out->_IO_write_base);
      chill_space_write_all(out->_fileno, out->_IO_write_base, size);
    }
#endif
    if (chill_space_rescue_streams != NULL) chill_space_rescue_streams();
  }
  // The signal is blocked and has its default action again: it ends the program when this returns.
  raise(signal);
}

__attribute__((constructor(101))) static void begin(void) {
  static const int signals[] = {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP};
  stack_t stack;
  struct sigaction action;
  owner = getpid();
  setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
  memset(&stack, 0, sizeof stack);
  stack.ss_sp = signal_stack;
  stack.ss_size = sizeof signal_stack;
  sigaltstack(&stack, NULL);
  memset(&action, 0, sizeof action);
  action.sa_handler = rescue;
  action.sa_flags = (int)SA_RESETHAND | SA_ONSTACK;
  for (size_t index = 0; index < sizeof signals / sizeof *signals; index += 1)
    sigaction(signals[index], &action, NULL);
}
