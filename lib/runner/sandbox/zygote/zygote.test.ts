import { readdirSync, readFileSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from '#lib/config/config';
import { findLanguage } from '#lib/languages/index';
import type { Bind } from '#lib/languages/language';
import { toMarshal } from '#lib/languages/python/python-marshal';
import { SandboxTemplates } from '#lib/runner/pool/sandbox-templates';
import { programLimits } from '#lib/runner/resource-limits';
import { Bubblewrap } from '#lib/runner/sandbox/bubblewrap/bubblewrap';
import type { BubblewrapOptions } from '#lib/runner/sandbox/bubblewrap/launcher';
import type { Cgroup } from '#lib/runner/sandbox/cgroup';
import { PipePool } from '#lib/runner/sandbox/pipe-pool';
import { findMachine } from '#lib/runner/sandbox/probe/probe-machine';
import type { Execution, ExitReport } from '#lib/runner/sandbox/sandbox';
import { seccompFilter } from '#lib/runner/sandbox/seccomp/filter';
import { Zygotes } from '#lib/runner/sandbox/zygote/zygotes';
import { PATIENT_POLL, poolRefilled, runnerHarness } from '../../../../test/support/runner-harness.ts';

const settings = { CODE_WARM_MEMORY_MB: '4096', CODE_MAX_CONCURRENT: '4' };
const warm = runnerHarness({ settings });
// The control groups of two runners in one process have the same names.
const controlGroups = () => undefined;
const watched = runnerHarness({ settings, controlGroups });
const cold = runnerHarness({ settings: { ...settings, CODE_WARM_MEMORY_MB: '0' }, controlGroups });
afterAll(async () => {
  await Promise.all([warm, watched, cold].map(({ runner }) => runner.close()));
});

type Harness = typeof warm;
const run = async ({ runner }: Harness, language: string, code: string, more: { stdin?: string } = {}) =>
  runner.run({ language, code, timeout: 20, ...more }, { caller: 'test' });

const READY_MS = 30_000;

const FIRST_PROCESS: Record<string, string> = {
  python: 'print(open("/proc/1/comm").read().strip())',
  javascript: 'console.log(require("node:fs").readFileSync("/proc/1/comm", "utf8").trim())',
};

/** Resolves when programs run in sandboxes that a zygote has cloned. */
async function zygoteReady(harness: Harness, language: string): Promise<void> {
  const until = performance.now() + READY_MS;
  for (;;) {
    await poolRefilled();
    if ((await run(harness, language, FIRST_PROCESS[language] ?? '')).stdout === 'init\n') return;
    if (performance.now() > until) throw new Error('no zygote can be used here');
  }
}

beforeAll(async () => {
  for (const harness of [warm, watched])
    for (const language of Object.keys(FIRST_PROCESS)) await zygoteReady(harness, language);
}, 4 * READY_MS);

/** Ids of the zygotes below this process. */
function zygotes(): number[] {
  const childrenOf = (pid: string): string[] => {
    try {
      return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
        readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean),
      );
    } catch {
      return [];
    }
  };
  const below = (pid: string): string[] => childrenOf(pid).flatMap((child) => [child, ...below(child)]);
  return below('self')
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/comm`, 'utf8') === 'zygote\n';
      } catch {
        return false;
      }
    })
    .map(Number);
}

const CONFINEMENT: Record<string, string> = {
  python: `
import os, resource, sys
for line in open("/proc/self/status"):
    if line.startswith(("Cap", "NoNewPrivs", "Seccomp:", "Sig", "Uid", "Gid", "Groups", "Umask")): print(line.strip())
for name in sorted(dir(resource)):
    if name.startswith("RLIMIT_") and name != "RLIMIT_CPU": print(name, resource.getrlimit(getattr(resource, name)))
print(os.getsid(0), os.getpgrp(), os.getcwd(), sorted(os.environ.items()))
print(sorted(sys.modules), sys.flags, sys.argv, sys.path)
print(sys.stdin.seekable(), sys.stdout.seekable(), os.access("/proc/self/fd/0", os.W_OK), sys.stdin.read())
for mount in ("/work", "/dev/shm", "/", "/dev", "/dev/pts", "/proc"):
    fs = os.statvfs(mount)
    print(mount, fs.f_blocks * fs.f_bsize if mount in ("/work", "/dev/shm", "/dev/pts") else "", fs.f_flag)
print(open("/proc/net/dev").read().count(":"), os.uname().nodename)
print(open("/proc/self/cgroup").read(), os.access("/proc/self/comm", os.W_OK))
`,
  javascript: `
const fs = require("node:fs");
const status = fs.readFileSync("/proc/self/status", "utf8");
console.log(status.match(/^(Cap|NoNewPrivs|Seccomp:|Sig[BIC]|Uid|Gid|Groups|Umask).*/gm));
console.log(fs.readFileSync("/proc/self/limits", "utf8").replace(/.*(cpu time|pending signals).*/g, ""));
console.log(Object.entries(process.env).sort(), process.argv, process.execArgv, process.cwd(), process.title);
console.log(fs.readFileSync(0, "utf8"), fs.fstatSync(0).isFile(), fs.readdirSync("/proc/self/fd").length);
const mounts = fs.readFileSync("/proc/self/mountinfo", "utf8").split(String.fromCharCode(10)).map((line) => line.split(" ").slice(3, 6).join(" "));
console.log(fs.readFileSync("/proc/self/cgroup", "utf8"));
for (const at of ["/work", "/dev/shm"]) console.log(mounts.filter((line) => line.includes(" " + at + " ")));
`,
};

/** What a program leaves where another one might look, while it waits for that one. */
const HOLDER = `
import os, signal, socket, time
local = socket.socket(socket.AF_UNIX); local.bind("\\0held"); local.listen()
tcp = socket.socket(); tcp.bind(("127.0.0.1", 4567)); tcp.listen()
open("/tmp/held", "w").write("x"); open("/dev/shm/held", "w").write("x")
print("holds", flush=True)
time.sleep(1.5)
print("lives")
`;
const SEEKER = `
import os, signal, socket
def reach(family, address):
    try: socket.socket(family).connect(address)
    except OSError as error: return type(error).__name__
    return "reached"
print(reach(socket.AF_UNIX, "\\0held"), reach(socket.AF_INET, ("127.0.0.1", 4567)))
# Descriptors that the parent of the tests left open are /dev/null.
held = {os.readlink(f"/proc/1/fd/{fd}") for fd in os.listdir("/proc/1/fd")} - {"/dev/null"}
print(held, os.path.exists("/tmp/held"), os.path.exists("/dev/shm/held"), sorted(p for p in os.listdir("/proc") if p.isdigit()))
signal.signal(signal.SIGTERM, signal.SIG_IGN)
for target in (0, -1):
    try: os.kill(target, signal.SIGTERM)
    except OSError: pass
`;

describe('a sandbox that a zygote has cloned', () => {
  it.each([
    ['python', 'with control groups', warm],
    ['python', 'without them', watched],
    ['javascript', 'with control groups', warm],
    ['javascript', 'without them', watched],
  ])('confines a program as one that bubblewrap made for it: %s %s', async (language, _groups, harness) => {
    await poolRefilled();
    const code = CONFINEMENT[language] ?? '';
    const confined = await run(harness, language, code, { stdin: 'typed' });
    const expected = await run(cold, language, code, { stdin: 'typed' });
    expect(confined).toMatchObject({ status: 'success', stderr: '' });
    expect(confined.stdout.split('\n')).toEqual(expected.stdout.split('\n'));
  });

  it('shares nothing with another one of the same zygote', async () => {
    let begun: (() => void) | undefined;
    const holds = new Promise<void>((resolve) => {
      begun = resolve;
    });
    await poolRefilled();
    const holder = warm.runner.run(
      { language: 'python', code: HOLDER, timeout: 20 },
      { caller: 'holder', onOutput: () => begun?.() },
    );
    await holds;
    const seeker = await run(warm, 'python', SEEKER);
    expect(seeker.stdout).toBe("ConnectionRefusedError ConnectionRefusedError\nset() False False ['1', '2']\n");
    expect(await holder).toMatchObject({ status: 'success', stdout: 'holds\nlives\n' });
  });

  it('passes stdin, also what is too large for a part of the work directory', async () => {
    const small = runnerHarness({ settings: { ...settings, CODE_DISK_MB: '1' }, controlGroups });
    try {
      await zygoteReady(small, 'python');
      for (const length of [0, 10, 50_000, 900_000]) {
        await poolRefilled();
        const code = 'import sys; print(len(sys.stdin.read()))';
        const result = await run(small, 'python', code, { stdin: 'x'.repeat(length) });
        expect(result).toMatchObject({ status: 'success', stdout: `${length}\n` });
      }
    } finally {
      await small.runner.close();
    }
  });

  it('is replaced when its zygote was killed, and no program runs in its place', async () => {
    const before = zygotes();
    expect(before.length).toBeGreaterThanOrEqual(4);
    for (const pid of before) process.kill(pid, 'SIGKILL');
    await expect.poll(() => zygotes().filter((pid) => before.includes(pid))).toEqual([]);
    await expect.poll(async () => (await run(warm, 'python', 'print(1)')).stdout, PATIENT_POLL).toBe('1\n');
    await zygoteReady(warm, 'python');
  });
});

/** The template of Python in a sandbox whose zygotes run `python`. */
async function pythonTemplate(python: string | undefined, more: Partial<BubblewrapOptions> = {}) {
  const { machine } = await findMachine(process.cwd(), undefined);
  const language = findLanguage('python');
  if (machine === undefined || language === undefined) throw new Error('no sandbox or no Python');
  const hostUid = process.getuid?.() === 0 ? 65534 : undefined;
  const used = { ...machine, hostUid, filter: seccompFilter(false), python: python ?? machine.python, ...more };
  const sandbox = new Bubblewrap(used);
  const templates = new SandboxTemplates(sandbox, readConfig({}), 2);
  const template = (binds: Bind[]) => {
    const { interpreter } = templates.of(language, { binds, programs: { python3: `${used.python}` } });
    if (interpreter === undefined || language.warm === undefined) throw new Error('no sandbox of Python waits');
    return interpreter;
  };
  const interpreter = template([]);
  const execution = (code: string, onStdout: (text: string) => void): Execution => ({
    ...{ argv: [], env: {}, binds: [], files: [], stdin: Buffer.from('in') },
    message: () => toMarshal([[['main.py', Buffer.from(code)]], []]),
    limits: programLimits(readConfig({}), 5, 2),
    onStdout: (chunk) => {
      onStdout(chunk.toString());
      return true;
    },
    onStderr: () => true,
  });
  return { sandbox, template, interpreter, execution };
}

it('runs programs that come before their sandbox is there', async () => {
  const { sandbox, interpreter, execution } = await pythonTemplate(undefined);
  const code = 'print(input(), open("/proc/1/comm").read().strip())';
  const run = async () => {
    let output = '';
    const ended = interpreter.start()?.run(
      execution(code, (text) => {
        output += text;
      }),
    );
    return { exitCode: (await ended)?.exitCode, output };
  };
  const confined = { exitCode: 0, output: 'in init\n' };
  try {
    const until = performance.now() + READY_MS;
    while ((await run()).output !== confined.output && performance.now() < until);
    const runs = await Promise.all(Array.from({ length: 12 }, run));
    expect(runs).toEqual(runs.map(() => confined));
  } finally {
    await sandbox.close();
  }
});

const ENDED: ExitReport = {
  ...{ started: false, setupError: '', exitCode: 137, stopReason: undefined, outOfMemory: false },
  ...{ wallMs: 0, cpuMs: 0, peakMemoryBytes: 0, pidNamespace: undefined },
};
const never = () => new Promise<never>(() => {});

/** Zygotes with one on trial, which reports nothing and ends with its control pipe. */
function silentZygote(createCgroup: () => Cgroup | undefined) {
  const pipes = new PipePool();
  const control = new PassThrough();
  const ended = new Promise<void>((resolve) => control.on('finish', resolve));
  const process = { control, events: new PassThrough(), errors: [], started: never(), ended };
  const zygotes = new Zygotes({
    pipes,
    start: () => process,
    createCgroup,
    finish: () => ended.then(() => ENDED),
    run: never,
  });
  const limits = programLimits(readConfig({}), 5, 2);
  const spec = { argv: [], env: {}, binds: [], limits, program: Buffer.of(), hasResult: false };
  expect(zygotes.startInterpreter({ ...spec, zygote: { by: 'fork' } })).toBeUndefined();
  return { zygotes, control };
}

const SETTLED_MS = 100;

describe('without a zygote that works', () => {
  it('starts each interpreter by itself', async () => {
    const { sandbox, interpreter } = await pythonTemplate('/usr/bin/false');
    try {
      for (let time = 0; time < 3; time += 1) {
        const waiting = interpreter.start();
        expect(waiting).toBeDefined();
        await waiting?.discard();
      }
    } finally {
      await sandbox.close();
    }
  });

  it('ends one whose first sandbox gets no control group', async () => {
    const { zygotes, control } = silentZygote(() => {
      throw new Error('no control group');
    });
    await expect.poll(() => control.writableEnded).toBe(true);
    await zygotes.close();
  });

  it('ends one that hangs when the server does', async () => {
    const { zygotes, control } = silentZygote(() => undefined);
    expect(control.writableEnded).toBe(false);
    await zygotes.close();
    expect(control.writableEnded).toBe(true);
  });

  it('keeps no descriptor of one whose toolchain was removed', async () => {
    const { sandbox, template } = await pythonTemplate(undefined, { hostUid: undefined, bindsDescriptors: true });
    const failAndCount = async () => {
      // The zygote of each new template is tried.
      const removed = template([{ from: '/opt/removed', at: '/opt/python' }]);
      expect(() => removed.start()).toThrow('ENOENT');
      await delay(SETTLED_MS);
      return readdirSync('/proc/self/fd').length;
    };
    try {
      const first = await failAndCount();
      expect(await failAndCount()).toBe(first);
    } finally {
      await sandbox.close();
    }
  });
});
