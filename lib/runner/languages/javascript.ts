import type { Language } from '#lib/runner/languages/language';
import { findNode, startedNode, waitingNode } from '#lib/runner/languages/node';
import { javascriptValidator } from '#lib/runner/validators/javascript';

/** A program may use import or require as it likes: Node finds out which, and need not tell about it. */
const FLAGS = ['--disable-warning=MODULE_TYPELESS_PACKAGE_JSON'];

export const javascript: Language = {
  id: 'javascript',
  name: 'JavaScript',
  aliases: ['js', 'node', 'nodejs'],
  mainFile: () => 'main.js',
  extension: '.js',
  find: findNode,
  version: { command: ({ programs }) => [`${programs.node}`, '--version'], pattern: /v(\S+)/ },
  install: 'JavaScript runs in the Node of this server; start the server with Node itself.',
  run: ({ toolchain, args }) => startedNode(`${toolchain.programs.node}`, FLAGS, ['main.js', ...args]),
  warm: waitingNode(FLAGS, 20),
  validate: javascriptValidator,
  sample:
    'const name = require("node:fs").readFileSync(0, "utf8").trim() || "world";\nconsole.log("Hello, " + name + "!");\n',
};
