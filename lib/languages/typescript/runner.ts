import { coldNode, findNode, toWarmMessage, warmNode } from '#lib/languages/javascript/node';
import type { Language, SandboxCommand, Toolchain, WarmProcessSpec } from '#lib/languages/language';
import { hasDecorators, hasLegacyDecorators } from '#lib/languages/typescript/decorators';
import { compilerOf, findTypeScriptChecker, typescriptValidator } from '#lib/languages/typescript/validator';
import {
  COMPILER_VARIABLE,
  compileDecorators,
  STRIP_TYPES,
  WARM_UP_STRIPPED,
  WARM_UP_STRIPPING,
} from '#lib/languages/typescript/warm';

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
  mainFileName: () => 'main.ts',
  extension: '.ts',
  findToolchain: ({ exists }) => {
    const { binds, programs } = findNode();
    const checker = findTypeScriptChecker(`${process.cwd()}/node_modules`, exists);
    return checker === undefined
      ? { binds, programs }
      : { binds: [...binds, ...checker.binds], programs: { ...programs, tsc: checker.tsc } };
  },
  version: { command: ({ programs }) => [`${programs.node}`, '--version'], pattern: /v(\S+)/ },
  installHint: 'TypeScript runs in the Node of this server; start the server with Node itself.',
  run: ({ toolchain, files, args }) => {
    const started = (begin?: string) => coldNode(`${toolchain.programs.node}`, FLAGS, ['main.ts', ...args], begin);
    if (!hasDecorators(files)) return started();
    return withCompiler(toolchain, started(compileDecorators(hasLegacyDecorators(files))));
  },
  warm: waiting(35, WARM_UP_STRIPPING),
  warmCached: waiting(25, WARM_UP_STRIPPED),
  validate: typescriptValidator,
  helloProgram:
    'interface Greeting { name: string }\n\nfunction greet({ name }: Greeting): string {\n  return "Hello, " + name + "!";\n}\n\nconsole.log(greet({ name: "world" }));\n',
};

function waiting(megabytes: number, warmUp: string): WarmProcessSpec {
  const waiter = warmNode(FLAGS, megabytes, warmUp, STRIP_TYPES);
  return {
    ...waiter,
    command: (toolchain, memoryMb) => {
      const command = waiter.command(toolchain, memoryMb);
      return command && withCompiler(toolchain, command);
    },
    encode: (given) => toWarmMessage(given, { isLegacy: hasLegacyDecorators(given.context.files) }),
  };
}

/** Without the rest of the checker. */
function withCompiler(toolchain: Toolchain, { env = {}, binds = [], ...command }: SandboxCommand): SandboxCommand {
  const compiler = compilerOf(toolchain);
  if (compiler === undefined) return { ...command, env, binds };
  return { ...command, env: { ...env, [COMPILER_VARIABLE]: compiler.tsc }, binds: [...binds, ...compiler.binds] };
}
