#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <stdexcept>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

int deep(volatile int n) {
  volatile char taken[4096];
  taken[0] = static_cast<char>(n);
  return deep(n + 1) + taken[0];
}

// Each child has output of its own, and dies with it in different ways; the parent tells how.
int main() {
  for (const std::string way : {"abort", "throw", "raise", "stack", "separated", "quits"}) {
    std::cout.flush();
    const pid_t child = fork();
    if (child == 0) {
      execl("/proc/self/exe", "program", way.c_str(), nullptr);
      return 1;
    }
    int status = 0;
    waitpid(child, &status, 0);
    std::cout << " = " << way << ' ' << WIFSIGNALED(status) << ' ' << WTERMSIG(status) << std::endl;
  }
}

// Before main, with the argument that a child is started with.
__attribute__((constructor)) void begin(int count, char** arguments) {
  if (count < 2) return;
  static std::ios_base::Init streams;
  const std::string way = arguments[1];
  if (way == "separated") std::ios_base::sync_with_stdio(false);
  std::cout << "line\n" << "rest";
  if (way == "throw") throw std::runtime_error("thrown");
  if (way == "raise") raise(SIGSEGV);
  if (way == "stack") std::exit(deep(0));
  if (way == "quits") {
    // What its own child has not written, the child does not write either.
    if (fork() == 0) std::abort();
    wait(nullptr);
    std::exit(0);
  }
  std::abort();
}
