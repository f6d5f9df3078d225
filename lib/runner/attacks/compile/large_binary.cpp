#include <array>
std::array<char, 1'500'000'000> large{1};
int main() { return large[5]; }
