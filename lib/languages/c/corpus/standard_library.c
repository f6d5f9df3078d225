#include <assert.h>
#include <complex.h>
#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static atomic_int total;

static void *add(void *argument) {
  for (int index = 0; index < 1000; index += 1) total += *(int *)argument;
  return NULL;
}

static int compare(const void *one, const void *other) { return *(const char *)one - *(const char *)other; }

int main(void) {
  char text[] = "standard";
  qsort(text, strlen(text), 1, compare);
  printf("%s %c\n", text, toupper(text[0]));
  printf("%.3f %.1f %" PRIu64 "\n", sqrt(2), cabs(3 + 4 * I), UINT64_MAX);

  pthread_t threads[2];
  int steps[2] = {1, 2};
  for (int index = 0; index < 2; index += 1) pthread_create(&threads[index], NULL, add, &steps[index]);
  for (int index = 0; index < 2; index += 1) pthread_join(threads[index], NULL);
  const bool isThere = time(NULL) > 1700000000;
  printf("%d %d\n", total, isThere);

  FILE *file = tmpfile();
  assert(file != NULL);
  fputs("kept", file);
  rewind(file);
  char kept[8] = "";
  fgets(kept, sizeof kept, file);
  printf("%s %zu\n", kept, strlen(kept));
}
