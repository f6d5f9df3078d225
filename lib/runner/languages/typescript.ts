import type { Language } from '#lib/runner/languages/language';
import { findNode, startedNode, waitingNode } from '#lib/runner/languages/node';
import { READY_FOR_STRIPPED, READY_TO_STRIP, STRIP } from '#lib/runner/languages/typescript-waiting';
import { findTypeScriptChecker, typescriptValidator } from '#lib/runner/validators/typescript';

const FLAGS = [
  // Enums, namespaces and parameter properties are more than types: they are turned into JavaScript.
  '--experimental-transform-types',
  '--disable-warning=ExperimentalWarning',
  '--disable-warning=MODULE_TYPELESS_PACKAGE_JSON',
];

export const typescript: Language = {
  id: 'typescript',
  name: 'TypeScript',
  aliases: ['ts'],
  mainFile: () => 'main.ts',
  extension: '.ts',
  find: ({ exists }) => {
    const { binds, programs } = findNode();
    const checker = findTypeScriptChecker(`${process.cwd()}/node_modules`, exists);
    return checker === undefined
      ? { binds, programs }
      : { binds: [...binds, ...checker.binds], programs: { ...programs, tsc: checker.tsc } };
  },
  version: { command: ({ programs }) => [`${programs.node}`, '--version'], pattern: /v(\S+)/ },
  install: 'TypeScript runs in the Node of this server; start the server with Node itself.',
  run: ({ toolchain, args }) => startedNode(`${toolchain.programs.node}`, FLAGS, ['main.ts', ...args]),
  warm: waitingNode(FLAGS, 35, READY_TO_STRIP, STRIP),
  warmAgain: waitingNode(FLAGS, 25, READY_FOR_STRIPPED, STRIP),
  validate: typescriptValidator,
  sample:
    'interface Greeting { name: string }\n\nfunction greet({ name }: Greeting): string {\n  return "Hello, " + name + "!";\n}\n\nconsole.log(greet({ name: "world" }));\n',
};
