import type { Validator } from '#lib/languages/language';

/**
 * Compiles stdin as Node loads it: as CommonJS, and as a module if that fails for syntax of
 * modules. Node prints the error that it throws with its place.
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

/** Reads V8's one error: `main.js:<line>`, that line, carets below the place, and the message. */
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
