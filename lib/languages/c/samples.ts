import type { SamplePrograms } from '#lib/languages/language-info';

export const samples: SamplePrograms = [
  {
    title: 'Sort numbers',
    code: `#include <stdio.h>
#include <stdlib.h>

static int ascending(const void *a, const void *b) {
    return *(const int *)a - *(const int *)b;
}

int main(void) {
    int numbers[] = {5, 2, 9, 1, 7};
    size_t count = sizeof numbers / sizeof *numbers;
    qsort(numbers, count, sizeof *numbers, ascending);
    for (size_t i = 0; i < count; i++) printf("%d ", numbers[i]);
    putchar('\\n');
}
`,
    output: '1 2 5 7 9 \n',
  },
];
