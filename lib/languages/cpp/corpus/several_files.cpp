#include "geometry/plane.hpp"
#include <cstdio>

int main() { std::printf("%d\n", area(3)); }
