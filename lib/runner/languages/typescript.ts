import type { Language } from '#lib/runner/languages/language';
import { findNode, waitingNode } from '#lib/runner/languages/node';
import { findTypeScriptChecker, typescriptValidator } from '#lib/runner/validators/typescript';

const FLAGS = [
  // Enums, namespaces and parameter properties are more than types: they are turned into JavaScript.
  '--experimental-transform-types',
  '--disable-warning=ExperimentalWarning',
  '--disable-warning=MODULE_TYPELESS_PACKAGE_JSON',
];

/** Node loads what strips types when it first sees some, which takes longer than all the rest; the second time it has more ready still. */
const WARM_UP = `
for (const source of [
  'import type { A } from "./a.ts"; interface B<T> { c?: T[] } enum D { E } class F { constructor(private g: number) {} }' +
    'const h = async <T,>(i: T, ...j: string[]): Promise<B<T>> => ({ c: [i] satisfies T[] }); console.log(\`\${h as unknown}\`);',
  'type A = { b: string }; function c({ b }: A): string { return "d" + b; } console.log(c({ b: "e" }));',
]) require('node:module').stripTypeScriptTypes(source, { mode: 'transform', sourceMap: true });
`;

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
  run: ({ toolchain, args }) => ({
    argv: [`${toolchain.programs.node}`, ...FLAGS, 'main.ts', ...args],
    // Not the checker.
    binds: findNode().binds,
  }),
  warm: waitingNode(FLAGS, 35, WARM_UP),
  validate: typescriptValidator,
  sample:
    'interface Greeting { name: string }\n\nfunction greet({ name }: Greeting): string {\n  return "Hello, " + name + "!";\n}\n\nconsole.log(greet({ name: "world" }));\n',
};
