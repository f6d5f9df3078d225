import { describe, expect, it } from 'vitest';
import { leadingHeaders, precompiledSetFor } from '#lib/languages/cpp/precompiled-headers';

describe('leadingHeaders', () => {
  it.each([
    ['', []],
    ['#include <iostream>\nint main() {}', ['iostream']],
    [
      '// a program\n/* of\n two */ #include<vector> // here\r\n#  include <sys/types.h>\r\n',
      ['vector', 'sys/types.h'],
    ],
    ['#define X 1\n#include <vector>', []],
    ['#include <vector>\n#define NDEBUG\n#include <cassert>', ['vector']],
    ['#include <vector>\n#include "own.h"\n#include <map>', ['vector']],
    // A backslash at the end of its line continues a comment.
    ['// see \\\n#include <vector>\n#include <map>', ['map']],
    ['#include <vector> junk\n#include <map>', []],
    ['#include <vector\n>', []],
  ])('%j', (source, headers) => expect(leadingHeaders(source)).toEqual(headers));
});

describe('precompiledSetFor', () => {
  it.each([
    ['#include <cstdio>\n', undefined],
    ['#include <cstdio>\n#include <iostream>\n', 'iostream'],
    ['#include <vector>\n#include <iostream>\nint x;\n#include <algorithm>\n', 'iostream-vector'],
    ['#include <vector>\n#include <algorithm>\n#include <iostream>\n', 'algorithm-iostream-vector'],
    ['#include <bits/stdc++.h>\nusing namespace std;', 'bits_stdc___h'],
  ])('%j', (source, set) => expect(precompiledSetFor(source)).toBe(set));
});
