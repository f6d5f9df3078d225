import type { Language } from '#lib/runner/languages/language';
import { findNode } from '#lib/runner/languages/node';
import { INPUT_DESCRIPTOR, PROGRAM } from '#lib/runner/sandbox/sandbox';
import { javascriptValidator } from '#lib/runner/validators/javascript';

const WAIT = `
const fs = require('node:fs');
const path = require('node:path');
const program = JSON.parse(fs.readFileSync(${INPUT_DESCRIPTOR}, 'utf8'));
fs.closeSync(${INPUT_DESCRIPTOR});
for (const { name, content } of program.files) {
  if (path.dirname(name) !== '.') fs.mkdirSync(path.dirname(name), { recursive: true });
  fs.writeFileSync(name, Buffer.from(content, 'base64'));
}
if (program.stdin !== '') {
  fs.writeFileSync('.stdin', Buffer.from(program.stdin, 'base64'));
  // The lowest number that is free is the next to be given out.
  fs.closeSync(0);
  fs.openSync('.stdin', 'r');
  fs.unlinkSync('.stdin');
}
process.argv.splice(1, process.argv.length, path.resolve(program.files[0].name), ...program.args);
process.execArgv.length = 0;
delete require.cache[__filename];
// From a fresh stack, so that this file is not in the program's traces.
process.nextTick(require('node:module').runMain);
`;

export const javascript: Language = {
  id: 'javascript',
  name: 'JavaScript',
  aliases: ['js', 'node', 'nodejs'],
  mainFile: () => 'main.js',
  extension: '.js',
  find: findNode,
  version: { command: ({ programs }) => [`${programs.node}`, '--version'], pattern: /v(\S+)/ },
  install: 'JavaScript runs in the Node of this server; start the server with Node itself.',
  run: ({ toolchain, args }) => ({
    // A program may use import or require as it likes: Node finds out which, and need not tell about it.
    argv: [`${toolchain.programs.node}`, '--disable-warning=MODULE_TYPELESS_PACKAGE_JSON', 'main.js', ...args],
  }),
  warm: {
    script: WAIT,
    command: ({ programs }) => ({
      argv: [`${programs.node}`, '--disable-warning=MODULE_TYPELESS_PACKAGE_JSON', PROGRAM],
    }),
  },
  validate: javascriptValidator,
  sample:
    'const name = require("node:fs").readFileSync(0, "utf8").trim() || "world";\nconsole.log("Hello, " + name + "!");\n',
};
