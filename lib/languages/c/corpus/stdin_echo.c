#include <stdio.h>
#include <stdlib.h>

int main(void) {
  char *line = NULL;
  size_t capacity = 0;
  long sum = 0;
  while (getline(&line, &capacity, stdin) != -1) {
    char *rest;
    const long number = strtol(line, &rest, 10);
    if (rest == line) fputs(line, stdout);
    sum += number;
  }
  free(line);
  printf("%ld\n", sum);
}
