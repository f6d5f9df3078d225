import { describe, expect, it } from 'vitest';
import { readConfig } from '#lib/config/config';
import { diskFullMessage, judge } from '#lib/runner/outcome';
import { compilerLimits } from '#lib/runner/resource-limits';
import type { ExitReport } from '#lib/runner/sandbox/sandbox';

const LIMITS = {
  wallMs: 10_000,
  cpuSeconds: 20,
  memoryBytes: 100 * 1024 * 1024,
  processes: 64,
  diskBytes: 1,
  openFiles: 64,
  dataBytes: 1,
  outputBytes: 100,
};
const ENDED: ExitReport = {
  started: true,
  setupError: '',
  exitCode: 0,
  stopReason: undefined,
  outOfMemory: false,
  wallMs: 1,
  cpuMs: 1,
  peakMemoryBytes: 0,
  pidNamespace: undefined,
};
const NEARLY = LIMITS.memoryBytes * 0.95;

describe('judge', () => {
  it.each<[string, Partial<ExitReport>, string, number]>([
    ['an ordinary end', {}, 'success', 0],
    ['an exit code', { exitCode: 3 }, 'runtime_error', 3],
    ['a large exit code', { exitCode: 255 }, 'runtime_error', 255],
    ['a crash', { exitCode: 139 }, 'runtime_error', 139],
    ['a forbidden system call', { exitCode: 159 }, 'runtime_error', 159],
    ['the clock', { exitCode: 137, stopReason: 'wall' }, 'timeout', 137],
    ['the CPU clock', { exitCode: 152 }, 'timeout', 152],
    ['too much output', { exitCode: 137, stopReason: 'output' }, 'output_limit', 137],
    ['a caller that left', { exitCode: 137, stopReason: 'cancelled' }, 'killed', 137],
    ['a kill from within', { exitCode: 137 }, 'killed', 137],
    ["the kernel's out-of-memory killer", { exitCode: 137, outOfMemory: true }, 'memory_limit', 137],
    ['a child out of memory, whose parent went on', { exitCode: 0, outOfMemory: true }, 'memory_limit', 0],
    ['a runtime that gave up for lack of memory', { exitCode: 134, peakMemoryBytes: NEARLY }, 'memory_limit', 134],
    ['an abort with memory to spare', { exitCode: 134, peakMemoryBytes: 1 }, 'runtime_error', 134],
    ['a caller that left during the set-up', { started: false, exitCode: 137, stopReason: 'cancelled' }, 'killed', 137],
    ['a sandbox that could not be set up', { started: false, exitCode: 1 }, 'internal_error', -1],
  ])('%s', (_name, seen, status, exitCode) => {
    const outcome = judge({ ...ENDED, ...seen }, LIMITS);
    expect(outcome).toMatchObject({ status, exitCode });
    const endedByItself = status === 'success' || (status === 'runtime_error' && exitCode < 128) || exitCode === 255;
    if (endedByItself) expect(outcome.error).toBeNull();
    else expect(outcome.error).toMatch(/\.$/);
  });
});

it.each<[Partial<ExitReport>, string, string]>([
  [{ stopReason: 'wall' }, 'Timed out after 10 s.', 'The compiler timed out after 10 s.'],
  [
    { stopReason: 'output' },
    'Stopped: more than 100 KB of output.',
    'The compiler was stopped: more than 100 KB of output.',
  ],
  [
    { stopReason: 'memory' },
    'Stopped: more than 100 MB of memory.',
    'The compiler was stopped: more than 100 MB of memory.',
  ],
  [
    { exitCode: 139 },
    'The program was ended by SIGSEGV (invalid memory access).',
    'The compiler was ended by SIGSEGV (invalid memory access).',
  ],
])('names the limit that ended %j, with its unit', (seen, program, compiler) => {
  const limits = { ...LIMITS, outputBytes: 100_000 };
  expect(judge({ ...ENDED, exitCode: 137, ...seen }, limits).error).toBe(program);
  expect(judge({ ...ENDED, exitCode: 137, ...seen }, limits, 'compile').error).toBe(compiler);
});

describe('diskSentence', () => {
  const MB = 1024 * 1024;
  const sentence = (stderr: string, overflowed = false) =>
    diskFullMessage(
      { status: 'compile_error', stderr },
      { ...LIMITS, diskBytes: 256 * MB },
      { overflowed, maxBytes: 64 * MB },
    );

  it.each([
    'mold: failed to write to an output file. Disk full?\ncollect2: error: ld returned 1 exit status\n',
    'g++: internal compiler error: File size limit exceeded signal terminated program as\n',
    '/opt/go/pkg/tool/linux_amd64/link: writing main.a: no space left on device\n',
    'error: failed to write to `program`: No space left on device (os error 28)\n',
    'collect2: fatal error: ld terminated with signal 7 [Bus error], core dumped\n',
  ])('names the full disk of the compiler for %j', (stderr) => {
    expect(sentence(stderr)).toMatch(/^The program does not compile: .* 256 MB/);
  });

  it('reports a compiled program that is too large', () => {
    expect(sentence('', true)).toBe('The compiled program is larger than 64 MB, which is the limit.');
  });

  it.each([
    'main.cpp:1:1: error: expected \';\'\n    1 | puts("no space left on device")\n',
    'main.cpp:3:2: error: #error No space left on device\n    3 | #error No space left on device\n      |  ^~~~~\n',
    'mold: :1:2: error: #error Disk full?\n',
    'none:1:15: error: static assertion failed: x\nmold: Disk full?\n',
    'error: failed to write to `x`: No space left on device (os error 28)\n --> main.rs:1:1\n',
    'error: failed to write to `x`:\n       error: No space left on device\n --> main.rs:1:1\n',
    'error: failed: No space left on device\n       and more\n --> main.rs:1:1\n',
    '/opt/link: no space left on device:7: cannot use "a" (untyped string constant) as int value\n',
    'link:3: cannot use "no space left on device" (untyped string constant) as int value\n',
    'No space left on device\n',
  ])('does not take what the program says for what the compiler says: %j', (stderr) => {
    expect(sentence(stderr)).toBeUndefined();
  });

  it('is the same where the program had warnings', () => {
    const warning = 'warning: unused variable: `x`\n --> main.rs:1:17\n  |\n1 | fn main() { let x = 1; }\n\n';
    expect(sentence(`${warning}error: failed to write to \`program\`: No space left on device\n`)).toMatch(/256 MB/);
  });
});

describe('compilerLimits', () => {
  it.each([
    ['1', 256],
    ['64', 256],
    ['300', 600],
  ])('has the disk hold the program, and what it is made of: %s MB', (megabytes, expected) => {
    expect(compilerLimits(readConfig({ CODE_DISK_MB: megabytes }), 2).diskBytes).toBe(expected * 1024 * 1024);
  });
});
