import type { SamplePrograms } from '#lib/languages/language-info';

export const samples: SamplePrograms = [
  {
    title: 'Sort and print',
    code: `#include <algorithm>
#include <iostream>
#include <vector>

int main() {
    std::vector<int> numbers{5, 2, 9, 1, 7};
    std::ranges::sort(numbers);
    for (int number : numbers) std::cout << number << ' ';
    std::cout << '\\n';
}
`,
    output: '1 2 5 7 9 \n',
  },
];
