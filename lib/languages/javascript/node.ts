import type { SandboxCommand, Toolchain, WarmInput, WarmProcessSpec } from '#lib/languages/language';
import { INPUT_DESCRIPTOR, PROGRAM } from '#lib/runner/sandbox/sandbox';

export const NODE = '/opt/node/bin/node';

/** The very Node that serves runs the programs: only that one file is bound. */
export function findNode(): Toolchain {
  return { binds: [{ from: process.execPath, at: NODE }], programs: { node: NODE } };
}

/**
 * Has output written when the program writes it. Node gives a pipe as much as there is room for at
 * that moment, and keeps the rest, which is lost when the program calls `process.exit()` or throws;
 * on a blocking pipe the program waits for room. A stream is changed when the program first uses
 * it: its descriptor blocks until then.
 */
const WRITE_AT_ONCE = `
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

/** A worker thread, which begins with the script as well, has what its parent has left. */
const WITHOUT_SCRIPT = `
if (process.execArgv.includes('--require')) process.execArgv.splice(process.execArgv.indexOf('--require'), 2);
`;

/**
 * How a Node that did not wait begins, which then is `begin`. It is not in the arguments that the
 * program finds.
 */
export function coldNode(node: string, flags: readonly string[], main: readonly string[], begin = ''): SandboxCommand {
  return {
    argv: [node, ...flags, '--require', PROGRAM, ...main],
    script: `${WRITE_AT_ONCE}${WITHOUT_SCRIPT}${begin}`,
    binds: findNode().binds,
  };
}

/** A Node that waits, started with `flags`; `warmUp` is run before, and `begin` when the files of its `program` are there. */
export function warmNode(flags: readonly string[], megabytes: number, warmUp = '', begin = ''): WarmProcessSpec {
  return {
    script: `${warmUp}${WRITE_AT_ONCE}${WAIT}${begin}${BECOME}`,
    command: ({ programs }) => ({ argv: [`${programs.node}`, ...flags, PROGRAM], binds: findNode().binds }),
    encode: (given) => toWarmMessage(given),
    idleMegabytes: megabytes,
  };
}

/** The files, their contents as base64, the arguments, and what was made of the files before, which only a sandbox looks into. */
export function toWarmMessage(
  { files, context, artifact: program }: WarmInput,
  more: Record<string, unknown> = {},
): string {
  return JSON.stringify({
    ...more,
    files: files.map(({ name, content }) => ({ name, content: Buffer.from(content).toString('base64') })),
    args: context.args,
    made: program && Buffer.from(program).toString(),
  });
}

/**
 * What nearly every program makes Node load and compile is there already: the streams that it would print to, and how values are
 * shown. Its own stdout and stderr are not touched: once they were opened, a write to their descriptors no longer waits for room.
 */
const WAIT = `
const fs = require('node:fs');
const path = require('node:path');
const { Console } = require('node:console');
const { Writable } = require('node:stream');
require('node:tty');
new (require('node:net').Socket)({ readable: false, writable: true }).destroy();
const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
// To find out whether there are colours, it would open stderr.
new Console({ stdout: nowhere, stderr: nowhere, colorMode: false }).log('%s %d', 'warm', 1, { up: [1] });
const program = JSON.parse(fs.readFileSync(${INPUT_DESCRIPTOR}, 'utf8'));
fs.closeSync(${INPUT_DESCRIPTOR});
for (const { name, content } of program.files) {
  if (path.dirname(name) !== '.') fs.mkdirSync(path.dirname(name), { recursive: true });
  fs.writeFileSync(name, Buffer.from(content, 'base64'));
}
`;

const BECOME = `
// To take the whole heap apart takes longer than most programs do: one that has come to its end is let go of as by process.exit().
process.once('exit', () => {
  if (process.mainModule === undefined || process.exitCode) return;
  process.emit('exit', 0);
  process.exit();
});
process.argv.splice(1, process.argv.length, path.resolve(program.files[0].name), ...program.args);
delete require.cache[__filename];
// From a fresh stack, so that this file is not in the program's traces.
process.nextTick(require('node:module').runMain);
`;
