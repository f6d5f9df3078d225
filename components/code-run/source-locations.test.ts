import { expect, test } from 'vitest';
import { splitAtLocations } from './source-locations.ts';

test.each([
  ['  File "/work/main.py", line 3, in <module>', 'main.py', 3, undefined],
  ['main.cpp:12:5: error: expected', 'main.cpp', 12, 5],
  ['    at inner (file:///work/main.js:2:9)', 'main.js', 2, 9],
  ['\tat Main.main(Main.java:7)', 'Main.java', 7, undefined],
  ['./main.go:4:2: undefined: x', 'main.go', 4, 2],
  [' --> main.rs:5:9', 'main.rs', 5, 9],
  ['main.sh: line 3: syntax error', 'main.sh', 3, undefined],
  ['main.ts(3,5): error TS2322', 'main.ts', 3, 5],
  ["thread 'main' panicked at src/util.rs:8:13:", 'src/util.rs', 8, 13],
])('finds the location in %s', (text, file, line, column) => {
  const parts = splitAtLocations(text, [
    'main.py',
    'main.cpp',
    'main.js',
    'Main.java',
    'main.go',
    'main.rs',
    'main.ts',
    'main.sh',
    'src/util.rs',
  ]);
  expect(parts.filter((part) => typeof part !== 'string').map(({ place }) => place)).toEqual([{ file, line, column }]);
  expect(parts.map((part) => (typeof part === 'string' ? part : part.text)).join('')).toBe(text);
});

test('keeps references to other files as text', () => {
  for (const text of ['node:internal/modules:10:2', 'domain.py:3', 'main.py is fine', 'x-main.py:3', ''])
    expect(splitAtLocations(text, ['main.py']).every((part) => typeof part === 'string')).toBe(true);
});
