#include <stdexcept>

int main() { throw std::runtime_error("nobody caught this"); }
