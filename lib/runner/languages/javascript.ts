import type { Language } from '#lib/runner/languages/language';
import { findNode } from '#lib/runner/languages/node';

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
  sample:
    'const name = require("node:fs").readFileSync(0, "utf8").trim() || "world";\nconsole.log("Hello, " + name + "!");\n',
};
