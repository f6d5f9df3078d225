#include <cstdio>
int main() { std::puts("the program"); }
