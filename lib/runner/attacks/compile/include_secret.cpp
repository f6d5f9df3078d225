#include "/etc/shadow"
#include "/work/main/package.json"
#include "/proc/1/environ"
int main() {}
