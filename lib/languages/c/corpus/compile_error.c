#include <stdio.h>

int main(void) {
  int number = missing;
  printf("%d\n", number);
}
