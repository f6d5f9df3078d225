import { info } from '#lib/languages/javascript/info';
import { coldNode, findNode, warmNode } from '#lib/languages/javascript/node';
import { javascriptValidator } from '#lib/languages/javascript/validator';
import type { Language } from '#lib/languages/language';

/** Node detects whether a program is a module, and warns about it unless disabled. */
const FLAGS = ['--disable-warning=MODULE_TYPELESS_PACKAGE_JSON'];

export const javascript: Language = {
  ...info,
  mainFileName: () => info.mainFile,
  findToolchain: findNode,
  version: { command: ({ programs }) => [`${programs.node}`, '--version'], pattern: /v(\S+)/ },
  installHint: 'JavaScript runs in the Node of this server; start the server with Node itself.',
  run: ({ toolchain, args }) => coldNode(`${toolchain.programs.node}`, FLAGS, ['main.js', ...args]),
  warm: warmNode(FLAGS, 20),
  validate: javascriptValidator,
  helloProgram:
    'const name = require("node:fs").readFileSync(0, "utf8").trim() || "world";\nconsole.log("Hello, " + name + "!");\n',
};
