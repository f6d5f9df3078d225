import { coldNode, findNode, toWarmMessage, warmNode } from '#lib/languages/javascript/node';
import type { Language, SandboxCommand, Toolchain, WarmProcessSpec } from '#lib/languages/language';
import { hasDecorators, hasLegacyDecorators } from '#lib/languages/typescript/decorators';
import { info } from '#lib/languages/typescript/info';
import { compilerOf, findTypeScriptChecker, typescriptValidator } from '#lib/languages/typescript/validator';
import {
  COMPILER_VARIABLE,
  compileDecorators,
  STRIP_TYPES,
  WARM_UP_STRIPPED,
  WARM_UP_STRIPPING,
} from '#lib/languages/typescript/warm';

const FLAGS = [
  // Enums, namespaces and parameter properties are more than types.
  '--experimental-transform-types',
  '--disable-warning=ExperimentalWarning',
  '--disable-warning=MODULE_TYPELESS_PACKAGE_JSON',
];

export const typescript: Language = {
  ...info,
  mainFileName: () => info.mainFile,
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
    const cold = (begin?: string) => coldNode(`${toolchain.programs.node}`, FLAGS, ['main.ts', ...args], begin);
    if (!hasDecorators(files)) return cold();
    return withCompiler(toolchain, cold(compileDecorators(hasLegacyDecorators(files))));
  },
  warm: warmTypeScript(35, WARM_UP_STRIPPING),
  warmCached: warmTypeScript(25, WARM_UP_STRIPPED),
  validate: typescriptValidator,
  helloProgram:
    'interface Greeting { name: string }\n\nfunction greet({ name }: Greeting): string {\n  return "Hello, " + name + "!";\n}\n\nconsole.log(greet({ name: "world" }));\n',
};

function warmTypeScript(idleMegabytes: number, warmUp: string): WarmProcessSpec {
  const node = warmNode(FLAGS, idleMegabytes, warmUp, STRIP_TYPES);
  return {
    ...node,
    command: (toolchain, memoryMb) => {
      const command = node.command(toolchain, memoryMb);
      return command && withCompiler(toolchain, command);
    },
    encode: (input) => toWarmMessage(input, { isLegacy: hasLegacyDecorators(input.context.files) }),
  };
}

/** Gives the command TypeScript's compiler, without the rest of the checker. */
function withCompiler(toolchain: Toolchain, { env = {}, binds = [], ...command }: SandboxCommand): SandboxCommand {
  const compiler = compilerOf(toolchain);
  if (compiler === undefined) return { ...command, env, binds };
  return { ...command, env: { ...env, [COMPILER_VARIABLE]: compiler.tsc }, binds: [...binds, ...compiler.binds] };
}
