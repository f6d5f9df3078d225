import type { Language } from '#lib/runner/languages/language';
import { findNode } from '#lib/runner/languages/node';

export const typescript: Language = {
  id: 'typescript',
  name: 'TypeScript',
  aliases: ['ts'],
  mainFile: () => 'main.ts',
  extension: '.ts',
  find: findNode,
  version: { command: ({ programs }) => [`${programs.node}`, '--version'], pattern: /v(\S+)/ },
  install: 'TypeScript runs in the Node of this server; start the server with Node itself.',
  run: ({ toolchain, args }) => ({
    argv: [
      `${toolchain.programs.node}`,
      // Enums, namespaces and parameter properties are more than types: they are turned into JavaScript.
      '--experimental-transform-types',
      '--disable-warning=ExperimentalWarning',
      '--disable-warning=MODULE_TYPELESS_PACKAGE_JSON',
      'main.ts',
      ...args,
    ],
  }),
  sample:
    'interface Greeting { name: string }\n\nfunction greet({ name }: Greeting): string {\n  return "Hello, " + name + "!";\n}\n\nconsole.log(greet({ name: "world" }));\n',
};
