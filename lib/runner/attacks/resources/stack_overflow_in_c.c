static int deep(volatile int n) {
  volatile char taken[4096];
  taken[0] = (char)n;
  return deep(n + 1) + taken[0];
}

int main(void) { return deep(0); }
