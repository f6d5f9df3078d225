import { hasDecorators, hasLegacyDecorators } from '#lib/runner/languages/decorators';
import type { Command, Language, Toolchain, Waiter } from '#lib/runner/languages/language';
import { asJson, findNode, startedNode, waitingNode } from '#lib/runner/languages/node';
import {
  COMPILER_VARIABLE,
  READY_FOR_STRIPPED,
  READY_TO_STRIP,
  STRIP,
  takeDecorators,
} from '#lib/runner/languages/typescript-waiting';
import { compilerOf, findTypeScriptChecker, typescriptValidator } from '#lib/runner/validators/typescript';

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
  run: ({ toolchain, files, args }) => {
    const started = (begin?: string) => startedNode(`${toolchain.programs.node}`, FLAGS, ['main.ts', ...args], begin);
    if (!hasDecorators(files)) return started();
    return withCompiler(toolchain, started(takeDecorators(hasLegacyDecorators(files))));
  },
  warm: waiting(35, READY_TO_STRIP),
  warmAgain: waiting(25, READY_FOR_STRIPPED),
  validate: typescriptValidator,
  sample:
    'interface Greeting { name: string }\n\nfunction greet({ name }: Greeting): string {\n  return "Hello, " + name + "!";\n}\n\nconsole.log(greet({ name: "world" }));\n',
};

function waiting(megabytes: number, warmUp: string): Waiter {
  const waiter = waitingNode(FLAGS, megabytes, warmUp, STRIP);
  return {
    ...waiter,
    command: (toolchain, memoryMb) => {
      const command = waiter.command(toolchain, memoryMb);
      return command && withCompiler(toolchain, command);
    },
    message: (given) => asJson(given, { isLegacy: hasLegacyDecorators(given.context.files) }),
  };
}

/** Without the rest of the checker. */
function withCompiler(toolchain: Toolchain, { env = {}, binds = [], ...command }: Command): Command {
  const compiler = compilerOf(toolchain);
  if (compiler === undefined) return { ...command, env, binds };
  return { ...command, env: { ...env, [COMPILER_VARIABLE]: compiler.tsc }, binds: [...binds, ...compiler.binds] };
}
