#include <cstdio>

int main() {
  std::puts("before");
  std::fflush(stdout);
  volatile int *nowhere = nullptr;
  *nowhere = 1;
}
