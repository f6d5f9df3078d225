import type { Validator } from '#lib/languages/diagnostic';

/**
 * Compiles what comes from stdin as Node would load it: as CommonJS, and where that fails for something that only modules may
 * have, as a module. What it throws, Node writes with its place.
 */
const CHECK = `
const vm = require('node:vm');
const source = require('node:fs').readFileSync(0, 'utf8');
const filename = 'main.js';
const ONLY_IN_MODULES = new RegExp([
  'Cannot use import statement outside a module', "Cannot use 'import\\\\.meta' outside a module", "Unexpected token 'export'",
  'Unexpected reserved word', 'await is only valid in async functions',
  "Identifier '(exports|require|module|__filename|__dirname)' has already been declared",
].join('|'));
try {
  vm.compileFunction(source, ['exports', 'require', 'module', '__filename', '__dirname'], { filename });
} catch (error) {
  if (!ONLY_IN_MODULES.test(error.message)) throw error;
  new vm.SourceTextModule(source, { identifier: filename });
}
`;

/** V8 stops at the first error: `main.js:<line>`, that line of the program, carets below the place, and the error. */
export const javascriptValidator: Validator = {
  command: ({ toolchain: { programs }, files }) => ({
    argv: [
      `${programs.node}`,
      ...['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', '--input-type=commonjs', '-e', CHECK],
    ],
    stdin: files[0]?.text ?? '',
  }),
  parse: ({ stderr }) => {
    const lines = stderr.split('\n');
    const place = lines.findIndex((text) => /^main\.js:\d+$/.test(text));
    const message = lines.slice(place + 2).find((text) => /^\w*Error: /.test(text));
    if (place < 0 || message === undefined) return [];
    const carets = lines.slice(place + 2).find((text) => /^\s*\^+\s*$/.test(text)) ?? '^';
    const line = Number(lines[place]?.split(':')[1]);
    return [{ severity: 'error', line, column: carets.indexOf('^') + 1, message }];
  },
};
