import type { SandboxCommand, Toolchain, WarmInput, WarmProcessSpec } from '#lib/languages/language';
import { INPUT_DESCRIPTOR, PROGRAM, STDIN_DESCRIPTOR } from '#lib/languages/sandbox-interface';

export const NODE = '/opt/node/bin/node';

/** Programs run in the server's own Node, of which only the executable is bound. */
export function findNode(): Toolchain {
  return { binds: [{ from: process.execPath, at: NODE }], programs: { node: NODE } };
}

/**
 * Makes stdout and stderr blocking. Otherwise Node buffers output that the pipe cannot take, and
 * loses it when the program calls `process.exit()` or throws. A stream changes when the program
 * first uses it, since opening it makes its descriptor non-blocking.
 */
const BLOCKING_OUTPUT = `
for (const name of ['stdout', 'stderr']) {
  const standard = Object.getOwnPropertyDescriptor(process, name);
  const get = () => {
    Object.defineProperty(process, name, standard);
    process[name]._handle?.setBlocking?.(true);
    return process[name];
  };
  Object.defineProperty(process, name, { ...standard, get });
}
`;

/** Removes the script from `execArgv`, which the program and its worker threads see. */
const HIDE_SCRIPT = `
if (process.execArgv.includes('--require')) process.execArgv.splice(process.execArgv.indexOf('--require'), 2);
`;

/** A cold Node. It runs the script `begin` first, which the program's arguments do not show. */
export function coldNode(node: string, flags: readonly string[], main: readonly string[], begin = ''): SandboxCommand {
  return {
    argv: [node, ...flags, '--require', PROGRAM, ...main],
    script: `${BLOCKING_OUTPUT}${HIDE_SCRIPT}${begin}`,
    binds: findNode().binds,
  };
}

/**
 * A warm Node, started with `flags`. It runs `warmUp` before it waits, and `begin` when the
 * program's files are written.
 */
export function warmNode(flags: readonly string[], idleMegabytes: number, warmUp = '', begin = ''): WarmProcessSpec {
  const script = (readProgram: string) =>
    `${warmUp}${BLOCKING_OUTPUT}${WARM_UP_OUTPUT}${readProgram}${WRITE_FILES}${begin}${RUN_MAIN}`;
  return {
    script: script(READ_PROGRAM),
    zygote: { by: 'exec', script: script(READ_STDIN_AND_PROGRAM) },
    command: ({ programs }) => ({ argv: [`${programs.node}`, ...flags, PROGRAM], binds: findNode().binds }),
    encode: (input) => toWarmMessage(input),
    idleMegabytes,
  };
}

/** Encodes the input as JSON, with contents as base64. Only the sandbox reads `artifact`. */
export function toWarmMessage({ files, context, artifact }: WarmInput, more: Record<string, unknown> = {}): string {
  return JSON.stringify({
    ...more,
    files: files.map(({ name, content }) => ({ name, content: Buffer.from(content).toString('base64') })),
    args: context.args,
    artifact: artifact && Buffer.from(artifact).toString(),
  });
}

/**
 * Loads what nearly every program needs: the modules of streams, and the formatting of values. It
 * leaves stdout and stderr alone, since opening them makes their descriptors non-blocking.
 */
const WARM_UP_OUTPUT = `
const fs = require('node:fs');
const path = require('node:path');
const { Console } = require('node:console');
const { Writable } = require('node:stream');
require('node:tty');
new (require('node:net').Socket)({ readable: false, writable: true }).destroy();
const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
// With \`colorMode: 'auto'\` it would open stderr.
new Console({ stdout: nowhere, stderr: nowhere, colorMode: false }).log('%s %d', 'warm', 1, { up: [1] });
`;

const READ_PROGRAM = `
const program = JSON.parse(fs.readFileSync(${INPUT_DESCRIPTOR}, 'utf8'));
fs.closeSync(${INPUT_DESCRIPTOR});
`;

/** As `READ_PROGRAM`, for a Node that a zygote has executed. */
const READ_STDIN_AND_PROGRAM = `
const input = fs.readFileSync(${INPUT_DESCRIPTOR});
fs.closeSync(${INPUT_DESCRIPTOR});
const stdinEnd = 8 + Number(input.readBigUInt64BE());
fs.writeFileSync(${STDIN_DESCRIPTOR}, input.subarray(8, stdinEnd));
fs.closeSync(${STDIN_DESCRIPTOR});
const program = JSON.parse(input.toString('utf8', stdinEnd));
`;

const WRITE_FILES = `
for (const { name, content } of program.files) {
  if (path.dirname(name) !== '.') fs.mkdirSync(path.dirname(name), { recursive: true });
  fs.writeFileSync(name, Buffer.from(content, 'base64'));
}
`;

const RUN_MAIN = `
// Ends as by process.exit(): tearing down the heap takes longer than most programs run.
process.once('exit', () => {
  if (process.mainModule === undefined || process.exitCode) return;
  process.emit('exit', 0);
  process.exit();
});
process.argv.splice(1, process.argv.length, path.resolve(program.files[0].name), ...program.args);
delete require.cache[__filename];
// On a new stack, so that the program's traces do not show this file.
process.nextTick(require('node:module').runMain);
`;
