import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LANGUAGES } from '#lib/languages/index';
import type { CodeRequest } from '#lib/wire/code';
import { PATIENT_POLL, poolRefilled, runnerHarness } from '../../../test/support/runner-harness.ts';

/** Runs each source twice, so that the second run needs no compiler. */
const PREPARATION_MS = 600_000;
/** As many run at a time, and wait. */
const PLACES = 2;
const {
  runner,
  leaks: leftovers,
  settle,
  warmRuns: handedOver,
} = runnerHarness({ settings: { CODE_WARM_MEMORY_MB: '4096' } });
const run = (request: CodeRequest) => runner.run(request, { caller: 'test' });

beforeAll(async () => {
  await runner.prepared();
  // TypeScript has separate sandboxes for known programs, from their second run on.
  for (let time = 1; time <= 3; time += 1) {
    for (const { id, helloProgram: sample } of LANGUAGES) await run({ language: id, code: sample });
    await poolRefilled();
  }
  await settle();
}, PREPARATION_MS);
afterAll(() => runner.close());

/** Leaves a file, and prints the files, processes and descriptors that it finds. */
const TRACES: Record<string, string> = {
  python: `
import os
print(sorted(f for f in os.listdir('/tmp') if not f.startswith('main')))
open('/tmp/trace', 'w').write('x')
open('/dev/shm/trace', 'w').write('x')
numbers = [f for f in os.listdir('/proc/self/fd') if os.path.exists('/proc/self/fd/' + f)]
print(os.listdir('/dev/shm'), sorted(f for f in numbers if os.readlink('/proc/self/fd/' + f) != '/dev/null'))
print(sorted(int(p) for p in os.listdir('/proc') if p.isdigit())[0])`,
  javascript: `
const fs = require('node:fs');
console.log(fs.readdirSync('/tmp').filter((f) => !f.startsWith('main')));
fs.writeFileSync('/tmp/trace', 'x');
fs.writeFileSync('/dev/shm/trace', 'x');
console.log(fs.readdirSync('/dev/shm'), fs.existsSync('/proc/self/fd/5') && fs.readlinkSync('/proc/self/fd/5').startsWith('pipe'));`,
  java: `
import java.io.File;
public class Main { public static void main(String[] a) throws Exception {
  File shared = new File("/dev/shm");
  System.out.println(shared.list().length);
  System.out.println(new File("/tmp/trace").exists());
  new File("/tmp/trace").createNewFile();
  new File("/dev/shm/trace").createNewFile();
  for (File fd : new File("/proc/self/fd").listFiles()) {
    if (!fd.exists()) continue;
    String target = java.nio.file.Files.readSymbolicLink(fd.toPath()).toString();
    if (Integer.parseInt(fd.getName()) > 2 && !target.startsWith("/")) System.out.println(fd.getName() + " " + target);
  }
} }`,
  cpp: `
#include <cstdio>
#include <dirent.h>
#include <string>
#include <unistd.h>
int main() {
  std::printf("%d %d\\n", access("/tmp/trace", F_OK), access("/dev/shm/trace", F_OK));
  std::fclose(std::fopen("/tmp/trace", "w"));
  std::fclose(std::fopen("/dev/shm/trace", "w"));
  for (int fd = 0; fd < 512; fd++) {
    char target[256] = {};
    if (readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), target, 255) > 0 && std::string(target) != "/dev/null") std::printf("%d ", fd);
  }
}`,
};

describe('a sandbox that waited', () => {
  it.each(Object.entries(TRACES))('has nothing of an earlier run, nor of how it waited: %s', async (language, code) => {
    const first = await run({ language, code });
    await poolRefilled();
    const before = handedOver();
    const second = await run({ language, code });
    expect(handedOver()).toBeGreaterThan(before);
    expect(second).toMatchObject({ status: 'success', stderr: '' });
    expect(second.stdout).toBe(first.stdout);
    const EXPECTED: Record<string, string> = {
      python: "[]\n['trace'] ['0', '1', '2']\n1\n",
      javascript: "[]\n[ 'trace' ] false\n",
      java: '0\nfalse\n',
      cpp: '-1 -1\n0 1 2 ',
    };
    expect(second.stdout).toBe(EXPECTED[language]);
    await expect.poll(leftovers, PATIENT_POLL).toEqual([]);
  });

  it.each(LANGUAGES.map(({ id, helloProgram: sample }) => [id, sample] as const))(
    'runs one program and dies: %s',
    async (id, sample) => {
      await poolRefilled();
      const before = handedOver();
      const results = await Promise.all(
        Array.from({ length: 4 }, () => run({ language: id, code: sample, stdin: 'twice\n' })),
      );
      expect(new Set(results.map(({ stdout }) => stdout)).size).toBe(1);
      // Two wait. A run that comes before the refill starts a new sandbox.
      expect(handedOver()).toBeGreaterThanOrEqual(before + 2);
      await expect.poll(leftovers, PATIENT_POLL).toEqual([]);
    },
  );

  it('is no longer given out when it was killed', async () => {
    await poolRefilled();
    for (const pid of waitingInterpreters('python3')) process.kill(pid, 'SIGKILL');
    await expect.poll(() => waitingInterpreters('python3')).toEqual([]);
    // The server hears of it from bubblewrap, which ends a moment later.
    await delay(1_000);
    expect(await run({ language: 'python', code: 'print(1)' })).toMatchObject({ status: 'success', stdout: '1\n' });
    await poolRefilled();
    await expect.poll(() => waitingInterpreters('python3').length).toBe(2 * PLACES);
    const before = handedOver();
    expect(await run({ language: 'python', code: 'print(2)' })).toMatchObject({ status: 'success', stdout: '2\n' });
    expect(handedOver()).toBe(before + 1);
    await expect.poll(leftovers, PATIENT_POLL).toEqual([]);
  });

  it('is counted, with the memory that it holds', async () => {
    await poolRefilled();
    const seen = () => new Map(runner.stats().warm.map(({ name, ...rest }) => [name, rest]));
    // The report is cached for seconds.
    for (const { name } of LANGUAGES)
      await expect
        .poll(() => seen().get(name)?.waiting, { timeout: 10_000 })
        .toBe(['Python', 'Bash'].includes(name) ? 2 * PLACES : PLACES);
    for (const { resident_kb } of seen().values()) expect(resident_kb).toBeGreaterThan(100);
  });

  it('has a large program in it when the same source comes again, and takes its own input and arguments', async () => {
    const code =
      'package main\nimport ("fmt"; "os")\nfunc main() { var s string; fmt.Scan(&s); fmt.Println(s, os.Args[1:], len(os.Args[0])) }';
    const waiting = () => runner.stats().warm.find(({ name }) => name === 'Go program')?.waiting ?? 0;
    const others = waiting();
    for (const turn of ['first', 'second', 'third']) {
      const before = handedOver();
      expect(await run({ language: 'go', code, stdin: turn, args: [`-${turn}`] })).toMatchObject({
        status: 'success',
        stdout: `${turn} [-${turn}] ${'/program'.length}\n`,
      });
      expect(handedOver()).toBeGreaterThan(before);
      await expect.poll(waiting, PATIENT_POLL).toBe(others + 1);
    }
  });

  it('holds its program to the limits of one that did not wait', async () => {
    const code =
      'import resource\nfor n in ("CPU", "NPROC", "FSIZE", "NOFILE", "DATA", "CORE"): print(n, resource.getrlimit(getattr(resource, "RLIMIT_" + n)))';
    const cold = runnerHarness({ settings: { CODE_WARM_MEMORY_MB: '0' } });
    try {
      const limitsOf = (stdout: string) => stdout.split('\n').filter((line) => !line.startsWith('CPU'));
      const waited = await run({ language: 'python', code });
      const made = await cold.runner.run({ language: 'python', code }, { caller: 'test' });
      expect(limitsOf(waited.stdout)).toEqual(limitsOf(made.stdout));
      const native = `#include <cstdio>
#include <initializer_list>
#include <sys/resource.h>
int main() { for (auto what : {RLIMIT_CPU, RLIMIT_NPROC, RLIMIT_FSIZE, RLIMIT_NOFILE, RLIMIT_DATA, RLIMIT_CORE}) { rlimit l; getrlimit(what, &l); std::printf("%lu %lu\\n", l.rlim_cur, l.rlim_max); } }`;
      const one = await run({ language: 'cpp', code: native, timeout: 3 });
      const other = await cold.runner.run({ language: 'cpp', code: native, timeout: 3 }, { caller: 'test' });
      expect(one.stdout).toBe(other.stdout);
      expect(one.stdout.split('\n')).toHaveLength(7);
    } finally {
      await cold.runner.close();
    }
  });
});

/** Processes of this one's sandboxes that run `name`. */
function waitingInterpreters(name: string): number[] {
  const children = (pid: number): number[] => {
    const own = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
    return own.flatMap((child) => [child, ...childrenOf(child)]);
  };
  const childrenOf = (pid: number): number[] => {
    try {
      return children(pid);
    } catch {
      return [];
    }
  };
  const mine = readdirSync('/proc/self/task').flatMap((thread) =>
    readFileSync(`/proc/self/task/${thread}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  );
  return mine
    .flatMap((pid) => [pid, ...childrenOf(pid)])
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === name;
      } catch {
        return false;
      }
    });
}
