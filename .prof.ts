import { setTimeout as delay } from 'node:timers/promises';
import { execute } from '#lib/runner/execution';
import { javascript } from '#lib/runner/languages/javascript';
import { python } from '#lib/runner/languages/python';
import { findCgroups } from '#lib/runner/sandbox/cgroup';
import { namelessFile } from '#lib/runner/sandbox/descriptors';
import { probe } from '#lib/runner/sandbox/probe';

const p = await probe('auto', process.cwd(), process.env.NOCG ? () => undefined : findCgroups);
if (!p.sandbox) throw new Error(p.reason);
const MB = 1024 * 1024;
const limits = {
  wallMs: 10000,
  cpuSeconds: 20,
  memoryBytes: 128 * MB,
  processes: 64,
  diskBytes: 64 * MB,
  openFiles: 512,
  dataBytes: 16384 * MB,
  outputBytes: 100000,
};
const med = (xs: number[]) => xs.toSorted((a, b) => a - b)[Math.floor(xs.length / 2)]!;
for (const lang of [python, javascript]) {
  const tc = lang.find({ exists: () => true, list: () => [], home: '/root' })!;
  const { argv, env = {} } = lang.warm!.command(tc);
  const src = lang === python ? 'print("hello")' : 'console.log("hello")';
  const outs: number[] = [],
    ends: number[] = [],
    total: number[] = [],
    wait: number[] = [];
  for (let i = 0; i < 15; i++) {
    const program = namelessFile(Buffer.from(lang.warm!.script));
    const w0 = performance.now();
    const w = p.sandbox.wait!({ argv, env, binds: tc.binds, limits, program });
    wait.push(performance.now() - w0);
    await delay(250);
    const t = performance.now();
    let out = 0;
    const e = await w.run(
      JSON.stringify({
        files: [{ name: lang.mainFile(''), content: Buffer.from(src).toString('base64') }],
        stdin: '',
        args: [],
      }),
      {
        limits,
        onStdout: () => {
          out ||= performance.now() - t;
          return true;
        },
        onStderr: () => true,
      },
    );
    outs.push(out);
    ends.push(e.wallMs);
    total.push(performance.now() - t);
  }
  console.log(
    lang.id,
    'wait() sync',
    med(wait).toFixed(1),
    'first out',
    med(outs).toFixed(1),
    'exit seen',
    med(ends).toFixed(1),
    'total',
    med(total).toFixed(1),
  );
}
await p.sandbox.close();
