int deep(volatile int n) { return deep(n + 1) + n; }
int main() { return deep(0); }
