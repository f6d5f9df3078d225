import { z } from 'zod';
import { type Diagnostic, utf16Column, type Validator } from '#lib/languages/diagnostic';

/**
 * Compiles what comes from stdin, which is more than parsing: `return` outside a function is an error too. Prints a JSON object a
 * line, columns in code points. A SyntaxError of the compiler, not the
 * parser, counts in bytes; it has no text, since there is no file of that name. Warnings have a line only: their place in it is
 * that of what they are about.
 */
const CHECK = `
import ast, importlib.util, json, sys, warnings

def tell(severity, line, column, message):
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
        tell("warning", warning.lineno, column_of(tree, lines, warning.lineno, message), message)
except SyntaxError as error:
    column = error.offset or 1
    if error.text is None and error.lineno and error.lineno <= len(lines):
        column = characters(lines[error.lineno - 1], column - 1) + 1
    tell("error", error.lineno, column, f"{type(error).__name__}: {error.msg}")
except UnicodeDecodeError as error:
    tell("error", source.count(b"\\n", 0, error.start) + 1, 1, f"SyntaxError: {error}")
except ValueError as error:
    tell("error", source.split(b"\\0")[0].count(b"\\n") + 1, 1, f"SyntaxError: {error}")
except (MemoryError, RecursionError):
    tell("error", 1, 1, "The program is nested too deeply for Python to compile.")
`;

const line = z.object({
  severity: z.enum(['error', 'warning']),
  line: z.number(),
  column: z.number(),
  message: z.string(),
});

export const pythonValidator: Validator = {
  command: ({ toolchain: { programs }, files }) => ({
    // Isolated: it takes no modules from the program's directory.
    argv: [`${programs.python3}`, '-I', '-X', 'utf8', '-c', CHECK],
    stdin: files[0]?.text ?? '',
  }),
  parse: ({ stdout }, source) =>
    stdout
      .split('\n')
      .filter((text) => text !== '')
      .map((text): Diagnostic => {
        const told = line.parse(JSON.parse(text));
        return { ...told, column: utf16Column(source, told.line, told.column, 'code-point') };
      }),
};
