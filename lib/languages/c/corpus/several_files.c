#include "geometry/plane.h"
#include <stdio.h>

int main(int count, char **arguments) {
  printf("%d", area(3));
  for (int index = 1; index < count; index += 1) printf(" [%s]", arguments[index]);
  putchar('\n');
}
