import { describe, expect, it } from 'vitest';
import { cppValidator } from '#lib/languages/cpp/validator';
import { utf16Column } from '#lib/languages/diagnostic';
import { goValidator } from '#lib/languages/go/validator';
import { javaValidator } from '#lib/languages/java/validator';
import { javascriptValidator } from '#lib/languages/javascript/validator';
import type { Validator } from '#lib/languages/language';
import { pythonValidator } from '#lib/languages/python/validator';
import { rustValidator } from '#lib/languages/rust/validator';
import { typescriptValidator } from '#lib/languages/typescript/validator';

/** Reads recorded output of a compiler, as `severity line:column message`. */
function findings(validator: Validator, said: { stdout?: string; stderr?: string }, source = ''): string[] {
  return validator
    .parse({ stdout: '', stderr: '', ...said }, source)
    .map(({ severity, line, column, message }) => `${severity} ${line}:${column} ${message}`);
}

describe('utf16Column', () => {
  const source = 'first\né = "😀" 1';
  it.each([
    ['utf8', 1, 1],
    ['utf8', 7, 6],
    ['utf8', 13, 10],
    ['utf8', 99, 11],
    ['code-point', 7, 8],
    ['code-point', 9, 10],
    ['code-point', 99, 11],
  ] as const)('counted in %s, %i is %i in UTF-16 units', (unit, column, expected) => {
    expect(utf16Column(source, 2, column, unit)).toBe(expected);
  });

  it('is 1 in a line beyond the source', () => {
    expect(utf16Column(source, 9, 4, 'utf8')).toBe(1);
  });
});

describe('the C++ validator', () => {
  const SOURCE =
    '#include <thread>\ntemplate <class T> int size(T t) { return t.size(); }\nint main() {\n\tconst char* s = "é"; int y = "x";\n\tstd::thread t([](int&) {}, 3);\n\treturn size(y);\n}\n';
  const STDERR = `main.cpp: In function ‘int main()’:
main.cpp:4:32: error: invalid conversion from ‘const char*’ to ‘int’ [-fpermissive]
main.cpp:4:14: warning: unused variable ‘s’ [-Wunused-variable]
In file included from /usr/include/c++/12/stop_token:35,
                 from /usr/include/c++/12/thread:40,
                 from main.cpp:1:
/usr/include/c++/12/bits/std_thread.h: In instantiation of ‘std::thread::thread(_Callable&&, _Args&& ...)’:
main.cpp:5:30:   required from here
/usr/include/c++/12/bits/std_thread.h:129:44: error: static assertion failed: arguments must be invocable
/usr/include/c++/12/bits/std_thread.h:129:44: note: ‘std::integral_constant<bool, false>::value’ evaluates to false
/usr/include/c++/12/bits/std_thread.h: In instantiation of ‘struct std::thread::_Invoker<int>’:
/usr/include/c++/12/bits/std_thread.h:202:13:   required from ‘struct std::thread::_State_impl<int>’
main.cpp:5:30:   required from here
/usr/include/c++/12/bits/std_thread.h:251:4: error: no type named ‘type’ in ‘struct std::thread’
/usr/include/c++/12/bits/std_thread.h:255:2: error: no type named ‘type’ in ‘struct std::thread’
main.cpp: In instantiation of ‘int size(T) [with T = int]’:
main.cpp:6:13:   required from here
main.cpp:2:45: error: request for member ‘size’ in ‘t’, which is of non-class type ‘int’
`;
  it('places findings of a header in the program', () => {
    expect(findings(cppValidator, { stderr: STDERR }, SOURCE)).toEqual([
      'error 4:31 invalid conversion from ‘const char*’ to ‘int’ [-fpermissive]',
      'warning 4:14 unused variable ‘s’ [-Wunused-variable]',
      'error 5:30 static assertion failed: arguments must be invocable',
      'error 5:30 no type named ‘type’ in ‘struct std::thread’',
      'error 5:30 no type named ‘type’ in ‘struct std::thread’',
      'error 2:45 request for member ‘size’ in ‘t’, which is of non-class type ‘int’',
    ]);
  });

  it('places an error of a header at its include if the program breaks the header', () => {
    const stderr = `In file included from /usr/include/c++/12/bits/stl_algobase.h:59,
                 from /usr/include/c++/12/vector:60,
                 from main.cpp:3:
/usr/include/x86_64-linux-gnu/c++/12/bits/c++config.h:298:26: error: expected initializer before ‘size_t’
`;
    const source = '#define signed\n#define int strange\n#include <vector>\n';
    expect(findings(cppValidator, { stderr }, source)).toEqual(['error 3:1 expected initializer before ‘size_t’']);
  });

  it('reads an early end of the compiler', () => {
    const stderr =
      'main.cpp:1:10: fatal error: nothing.h: No such file or directory\ncompilation terminated.\ncc1plus: internal compiler error: Killed\n';
    expect(findings(cppValidator, { stderr }, '#include <nothing.h>\n')).toEqual([
      'error 1:10 nothing.h: No such file or directory',
      'error 1:1 Killed',
    ]);
  });
});

describe('the Java validator', () => {
  it('reads details and drops the lines of the program', () => {
    const stderr = `Main.java:4: warning: [rawtypes] found raw type: List
		List raw = new ArrayList();
		^
  missing type arguments for generic class List<E>
Main.java:6: error: cannot find symbol
		int n = "é" + foo();
		              ^
  symbol:   method foo()
  location: class Main
Main.java:7: error: incompatible types: int cannot be converted to String
		String s = 1;
		           ^
Note: Main.java uses unchecked or unsafe operations.
error: warnings found and -Werror specified
3 errors
1 warning
`;
    expect(findings(javaValidator, { stderr })).toEqual([
      'warning 4:3 [rawtypes] found raw type: List\n  missing type arguments for generic class List<E>',
      'error 6:17 cannot find symbol\n  symbol:   method foo()\n  location: class Main',
      'error 7:14 incompatible types: int cannot be converted to String',
      'error 1:1 warnings found and -Werror specified',
    ]);
  });
});

describe('the TypeScript validator', () => {
  it('reads details, and makes unused names warnings', () => {
    const stdout = `main.ts(1,8): error TS6133: 'fs' is declared but its value is never read.
main.ts(4,45): error TS2420: Class 'C' incorrectly implements interface 'I'.
  Property 'm' is missing in type 'C' but required in type 'I'.
error TS2688: Cannot find type definition file for 'x'.
`;
    expect(findings(typescriptValidator, { stdout })).toEqual([
      "warning 1:8 TS6133: 'fs' is declared but its value is never read.",
      "error 4:45 TS2420: Class 'C' incorrectly implements interface 'I'.\n  Property 'm' is missing in type 'C' but required in type 'I'.",
      "error 1:1 TS2688: Cannot find type definition file for 'x'.",
    ]);
  });
});

describe('the JavaScript validator', () => {
  it('places an error at the carets, also below tabs', () => {
    const stderr = `main.js:2
let\tx = = 2;
   \t    ^

SyntaxError: Unexpected token '='
    at internalCompileFunction (node:internal/vm:137:18)

Node.js v24.21.0
`;
    expect(findings(javascriptValidator, { stderr })).toEqual(["error 2:9 SyntaxError: Unexpected token '='"]);
  });

  it('reads no message from the line of the program', () => {
    const stderr = "main.js:1\nTypeError: = = 2;\n           ^\n\nSyntaxError: Unexpected token '='\n";
    expect(findings(javascriptValidator, { stderr })).toEqual(["error 1:12 SyntaxError: Unexpected token '='"]);
  });
});

describe('the Go validator', () => {
  it('reads details, and columns in bytes', () => {
    const source =
      'package main\n\nimport "github.com/x/y"\n\nfunc main() {\n\té := "é"; var n int = "s"\n\treturn 3\n}\n';
    const stdout = `main.go:3:8: could not import github.com/x/y (open : no such file or directory)
main.go:6:26: cannot use "s" (untyped string constant) as int value in variable declaration
main.go:7:9: too many return values
	have (number)
	want ()
`;
    expect(findings(goValidator, { stdout }, source)).toEqual([
      'error 3:8 could not import github.com/x/y: only the standard library is there',
      'error 6:24 cannot use "s" (untyped string constant) as int value in variable declaration',
      'error 7:9 too many return values\n\thave (number)\n\twant ()',
    ]);
  });
});

describe('the Rust validator', () => {
  const span = { is_primary: true, label: null, expansion: null };
  const message = (level: string, text: string, spans: object[], code: { code: string } | null = null) =>
    JSON.stringify({ $message_type: 'diagnostic', message: text, level, spans, code, children: [], rendered: '' });

  it('places findings at macro calls, reads columns in code points, and drops the summary', () => {
    const source =
      'fn main() {\n    let é = "😀"; let x: i32 = "s";\n    let v: u8 = vec![];\n    let unused = 1;\n}\n';
    const stderr = [
      message(
        'error',
        'mismatched types',
        [
          { ...span, file_name: 'main.rs', line_start: 2, column_start: 25, is_primary: false },
          { ...span, file_name: 'main.rs', line_start: 2, column_start: 31, label: 'expected `i32`, found `&str`' },
        ],
        { code: 'E0308' },
      ),
      message(
        'error',
        'mismatched types',
        [
          {
            ...{ ...span, file_name: '/opt/rust/lib/rustlib/src/rust/library/alloc/src/macros.rs' },
            ...{ line_start: 44, column_start: 9, label: 'expected `u8`, found `Vec<_>`' },
            expansion: { span: { ...span, file_name: 'main.rs', line_start: 3, column_start: 17 } },
          },
          { ...span, file_name: 'main.rs', line_start: 3, column_start: 12, is_primary: false },
        ],
        { code: 'E0308' },
      ),
      message(
        'warning',
        'unused variable: `unused`',
        [{ ...span, file_name: 'main.rs', line_start: 4, column_start: 9 }],
        {
          code: 'unused_variables',
        },
      ),
      message('error', 'aborting due to 2 previous errors; 1 warning emitted', []),
      message('failure-note', 'For more information about this error, try `rustc --explain E0308`.', []),
      'thread panicked',
    ].join('\n');
    expect(findings(rustValidator, { stderr }, source)).toEqual([
      'error 2:32 mismatched types [E0308]: expected `i32`, found `&str`',
      'error 3:17 mismatched types [E0308]: expected `u8`, found `Vec<_>`',
      'warning 4:9 unused variable: `unused`',
    ]);
  });
});

describe('the Python validator', () => {
  it('reads a finding a line, with columns in code points', () => {
    const stdout =
      '{"severity": "warning", "line": 1, "column": 4, "message": "\\"is\\" with a literal."}\n{"severity": "error", "line": 2, "column": 9, "message": "SyntaxError: invalid syntax"}\n';
    expect(findings(pythonValidator, { stdout }, 'if 1 is 1: pass\né = "😀" 1\n')).toEqual([
      'warning 1:4 "is" with a literal.',
      'error 2:10 SyntaxError: invalid syntax',
    ]);
  });
});
