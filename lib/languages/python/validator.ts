import { z } from 'zod';
import { type Diagnostic, utf16Column } from '#lib/languages/diagnostic';
import type { Validator } from '#lib/languages/language';

/**
 * Compiles stdin, which finds more than parsing: `return` outside a function is an error, too. It
 * prints a JSON object a line, with columns in code points. A SyntaxError of the compiler counts
 * bytes, unlike the parser's, and has no text. A warning has a line only: its column is that of
 * the expression that it is about.
 */
const CHECK = `
import ast, importlib.util, json, sys, warnings

def report(severity, line, column, message):
    print(json.dumps({"severity": severity, "line": line or 1, "column": max(column or 1, 1), "message": message}))

def characters(line, size):
    return len(line.encode()[:size].decode(errors="replace"))

NODES = {'"is': ast.Compare, "callable": ast.Call, "subscriptable": ast.Subscript, "indices": ast.Subscript, "assertion": ast.Assert}

def column_of(tree, lines, number, message):
    line = lines[number - 1] if 0 < number <= len(lines) else ""
    if "escape sequence" in message:
        found = line.find(message.split("'")[1] if "'" in message else message.split('"')[1])
        if found >= 0:
            return found + 1
    kind = next((node for word, node in NODES.items() if word in message), None)
    for node in ast.walk(tree) if kind else ():
        if isinstance(node, kind) and node.lineno == number:
            return characters(line, node.col_offset) + 1
    return len(line) - len(line.lstrip()) + 1

source = sys.stdin.buffer.read()
lines = []
try:
    text = importlib.util.decode_source(source)
    lines = text.split("\\n")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        compile(text, "<program>", "exec", dont_inherit=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = ast.parse(text)
    for warning in caught:
        message = str(warning.message)
        report("warning", warning.lineno, column_of(tree, lines, warning.lineno, message), message)
except SyntaxError as error:
    column = error.offset or 1
    if error.text is None and error.lineno and error.lineno <= len(lines):
        column = characters(lines[error.lineno - 1], column - 1) + 1
    report("error", error.lineno, column, f"{type(error).__name__}: {error.msg}")
except UnicodeDecodeError as error:
    report("error", source.count(b"\\n", 0, error.start) + 1, 1, f"SyntaxError: {error}")
except ValueError as error:
    report("error", source.split(b"\\0")[0].count(b"\\n") + 1, 1, f"SyntaxError: {error}")
except (MemoryError, RecursionError):
    report("error", 1, 1, "The program is nested too deeply for Python to compile.")
`;

const line = z.object({
  severity: z.enum(['error', 'warning']),
  line: z.number(),
  column: z.number(),
  message: z.string(),
});

export const pythonValidator: Validator = {
  command: ({ toolchain: { programs }, files }) => ({
    // `-I`: no modules come from the program's directory.
    argv: [`${programs.python3}`, '-I', '-X', 'utf8', '-c', CHECK],
    stdin: files[0]?.text ?? '',
  }),
  parse: ({ stdout }, source) =>
    stdout
      .split('\n')
      .filter((text) => text !== '')
      .map((text): Diagnostic => {
        const found = line.parse(JSON.parse(text));
        return { ...found, column: utf16Column(source, found.line, found.column, 'code-point') };
      }),
};
