import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ALLOW, assemble, decide, failWith, KILL_PROCESS, returns } from '#lib/runner/sandbox/seccomp/assembler';
import { seccompFilter } from '#lib/runner/sandbox/seccomp/filter';
import {
  ALLOWED_PERSONALITIES,
  ALLOWED_SOCKET_FAMILIES,
  ARCHITECTURES,
  BUFFER_OPTIONS,
  CLONE_NEWUSER,
  type ConditionalCall,
  DENIED_FCNTLS,
  DENIED_IOCTLS,
  denied,
  EPERM,
  F_SETPIPE_SZ,
  SOL_SOCKET,
} from '#lib/runner/sandbox/seccomp/policy';

const CONDITIONAL: readonly ConditionalCall[] = ['clone', 'personality', 'ioctl', 'socket', 'setsockopt', 'fcntl'];
const LOW_HALF = 0xffffffffn;
const MAX_SYSCALL = 1024;
const I386_AUDIT = 0x40000003;

/** Denies all values of a 32-bit argument outside the list, by bit patterns, as libseccomp can. */
function everythingBut(allowed: readonly number[], call: string): string[] {
  const lines: string[] = [];
  const visit = (prefix: number, bit: number) => {
    const mask = bit === 32 ? 0 : (0xffffffff << bit) >>> 0;
    if (!allowed.some((value) => (value & mask) >>> 0 === (prefix & mask) >>> 0)) {
      lines.push(`mask ${call} 0 ${mask} ${prefix >>> 0} ${EPERM}`);
      return;
    }
    if (bit === 0) return;
    visit(prefix, bit - 1);
    visit((prefix | (1 << (bit - 1))) >>> 0, bit - 1);
  };
  visit(0, 32);
  return lines;
}

const policyLines = (countsMemory: boolean) =>
  [
    ...denied(countsMemory).map(({ call, errno }) => `deny ${call} ${errno}`),
    `mask clone 0 ${CLONE_NEWUSER} ${CLONE_NEWUSER} ${EPERM}`,
    ...DENIED_IOCTLS.map((request) => `mask ioctl 1 ${LOW_HALF} ${request} ${EPERM}`),
    ...DENIED_FCNTLS.map((request) => `mask fcntl 1 ${LOW_HALF} ${request} ${EPERM}`),
    ...everythingBut(ALLOWED_PERSONALITIES, 'personality'),
    ...everythingBut(ALLOWED_SOCKET_FAMILIES, 'socket'),
    ...(countsMemory ? [] : BUFFER_OPTIONS.map((option) => `both setsockopt 1 ${SOL_SOCKET} 2 ${option} 0`)),
    ...(countsMemory ? [] : [`mask fcntl 1 ${LOW_HALF} ${F_SETPIPE_SZ} ${EPERM}`]),
  ].join('\n');

const directory = mkdtempSync(join(tmpdir(), 'chill-space-seccomp-'));
const reference = join(directory, 'reference');
beforeAll(() => {
  // Built against the real libseccomp: without it this test fails, and says what is missing.
  execFileSync('gcc', ['-O1', '-o', reference, 'lib/runner/sandbox/seccomp/reference.c', '-lseccomp']);
});
afterAll(() => rmSync(directory, { recursive: true }));

describe.each([
  ['x64', true],
  ['x64', false],
  ['arm64', true],
  ['arm64', false],
])('the filter for %s, memory counted: %s', (name, countsMemory) => {
  const architecture = ARCHITECTURES[name];
  if (architecture === undefined) throw new Error(`no architecture ${name}`);
  const ours = seccompFilter(countsMemory, name);

  it('has the numbers that libseccomp has', () => {
    const calls = [...denied(countsMemory).map(({ call }) => call), ...CONDITIONAL];
    const { stderr } = spawnSync(reference, [name], { input: calls.map((call) => `resolve ${call}\n`).join('') });
    const theirs = new Map(
      stderr
        .toString()
        .trim()
        .split('\n')
        .map((line) => line.split(' '))
        .map(([call, nr]) => [call, Number(nr)]),
    );
    for (const call of calls) {
      const nr = theirs.get(call);
      // Negative: libseccomp knows the name, but this architecture has no such call.
      expect([call, architecture.number(call)]).toEqual([call, nr !== undefined && nr >= 0 ? nr : undefined]);
    }
  });

  it('decides as the program that libseccomp exports, for every call and its telling arguments', () => {
    const theirs = execFileSync(reference, [name], { input: policyLines(countsMemory) });
    const telling = [
      0n,
      1n,
      2n,
      10n,
      16n,
      40n,
      BigInt(CLONE_NEWUSER),
      BigInt(CLONE_NEWUSER) | 17n,
      0x20000n,
      0x0040000n,
      ...DENIED_IOCTLS.map(BigInt),
      ...DENIED_FCNTLS.map(BigInt),
      BigInt(F_SETPIPE_SZ),
      0xffffffffn,
      0xffffffffffffffffn,
      1n << 32n,
      (1n << 32n) | 2n,
      (1n << 32n) | BigInt(DENIED_IOCTLS[0]),
    ];
    for (let nr = 0; nr <= MAX_SYSCALL; nr += 1)
      for (const value of telling) {
        const call = { nr, arch: architecture.audit, args: [value, value, value, 0n, 0n, 0n] };
        expect({ nr, value, decision: decide(ours, call) }).toEqual({ nr, value, decision: decide(theirs, call) });
      }
    const nr = architecture.number('setsockopt') ?? -1;
    for (const level of [0n, 1n, 6n, (1n << 32n) | 1n])
      for (const option of [1n, 7n, 8n, 9n, 32n, 33n, (1n << 32n) | 7n]) {
        const call = { nr, arch: architecture.audit, args: [3n, level, option, 0n, 0n, 0n] };
        expect([level, option, decide(ours, call)]).toEqual([level, option, decide(theirs, call)]);
      }
    for (const nr of [0x40000000, 0x40000000 + 59, 0x7fffffff, -2]) {
      const call = { nr, arch: architecture.audit, args: [] };
      expect({ nr, decision: decide(ours, call) }).toEqual({ nr, decision: decide(theirs, call) });
    }
    const foreign = { nr: 1, arch: I386_AUDIT, args: [] };
    expect(decide(ours, foreign)).toBe(KILL_PROCESS);
    expect(decide(theirs, foreign)).toBe(KILL_PROCESS);
  });

  it('allows threads, processes and files, and refuses what makes namespaces', () => {
    const decision = (call: ConditionalCall, first: bigint, second = 0n) => {
      const nr = architecture.number(call);
      if (nr === undefined) throw new Error(`no ${call}`);
      return decide(ours, { nr, arch: architecture.audit, args: [first, second] });
    };
    const CLONE_OF_A_THREAD = 0x3d0f00n;
    expect(decision('clone', CLONE_OF_A_THREAD)).toBe(ALLOW);
    expect(decision('clone', BigInt(CLONE_NEWUSER) | CLONE_OF_A_THREAD)).toBe(failWith(EPERM));
    expect(decision('ioctl', 0n, 0x5401n)).toBe(ALLOW);
    // The kernel reads 32 bits of the request: what is above them must not hide it.
    expect(decision('ioctl', 0n, 0xdeadbeef00005412n)).toBe(failWith(EPERM));
  });

  it('pretends to raise the bounds of a socket’s buffers only where no control group counts them', () => {
    const nr = architecture.number('setsockopt') ?? -1;
    const decision = (level: number, option: number) =>
      decide(ours, { nr, arch: architecture.audit, args: [3n, BigInt(level), BigInt(option)] });
    for (const option of BUFFER_OPTIONS) expect(decision(SOL_SOCKET, option)).toBe(countsMemory ? ALLOW : failWith(0));
    expect(decision(SOL_SOCKET, 2 /* SO_REUSEADDR */)).toBe(ALLOW);
    expect(decision(6 /* IPPROTO_TCP */, 8)).toBe(ALLOW);
  });
});

describe('the assembler', () => {
  it('writes instructions as the kernel reads them', () => {
    expect(assemble([returns(ALLOW)]).toString('hex')).toBe('060000000000ff7f');
  });

  it('refuses a processor without a policy, and programs that the kernel would refuse', () => {
    expect(() => seccompFilter(true, 'mips')).toThrow('no seccomp policy');
    expect(() => assemble([])).toThrow(RangeError);
  });
});
