#include <stdio.h>

int main(void) {
  printf("before");
  volatile int *volatile nowhere = NULL;
  *nowhere = 1;
}
