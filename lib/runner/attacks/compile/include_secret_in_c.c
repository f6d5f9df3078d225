#include "/etc/shadow"
#include "{app}/package.json"
#include "/proc/1/environ"
int main(void) { return 0; }
