#include <stdio.h>

int main(void) {
  for (int index = 0; index < 1000; index += 1) printf("%099d\n", 0);
}
