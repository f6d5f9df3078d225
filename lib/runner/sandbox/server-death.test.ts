import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';

/** A server that runs a program which ignores all signals, as its children do. */
const SERVER = `
import { runner } from '#lib/runner/index';
const code = [
  'import os, signal, time',
  'for number in range(1, 65):',
  '    try: signal.signal(number, signal.SIG_IGN)',
  '    except (OSError, ValueError): pass',
  'for _ in range(5):',
  '    if os.fork() == 0: os.setsid()',
  'print("going", flush=True)',
  'time.sleep(600)',
].join('\\n');
await runner().run(
  { language: 'python', code, timeout: 60 },
  { caller: 'test', onOutput: (stream, text) => process.stdout.write('running\\n') },
);
`;

const servers: ChildProcess[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.kill('SIGKILL');
});

describe('a server that is killed', () => {
  it.each([
    ['SIGKILL', 'bubblewrap'],
    ['SIGTERM', 'bubblewrap'],
    ['SIGKILL', 'gvisor'],
  ] as const)('by %s in mid-run, in %s, leaves no process behind', async (signal, SANDBOX) => {
    const server = spawn(process.execPath, ['--input-type=module', '--eval', SERVER], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, LOG_LEVEL: 'silent', SANDBOX },
    });
    servers.push(server);
    const { pid, stdout } = server;
    if (pid === undefined || stdout === null) throw new Error('the server did not start');
    for await (const line of createInterface({ input: stdout })) if (line === 'running') break;
    const family = descendants(pid);
    expect(family.length).toBeGreaterThan(5);
    server.kill(signal);
    // No event reports the end of these processes, so this polls until the test times out.
    while (family.some((member) => existsSync(`/proc/${member}`))) await delay(5);
  });
});

function descendants(pid: number): number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  );
  return [...children, ...children.flatMap(descendants)];
}
