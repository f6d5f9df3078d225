import { closeSync, readSync, writeSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { NONCE_BYTES } from '#lib/runner/sandbox/compile-response';
import { superviseCompileService } from '#lib/runner/sandbox/compile-service';
import { PipePool } from '#lib/runner/sandbox/pipe-pool';
import type { Execution, ExitReport } from '#lib/runner/sandbox/sandbox';

const pipes = new PipePool();
afterAll(() => pipes.close());

const COLD: ExitReport = {
  ...{ started: true, setupError: '', exitCode: 0, stopReason: undefined, outOfMemory: false },
  ...{ wallMs: 1, cpuMs: 1, peakMemoryBytes: 1, pidNamespace: undefined },
};
const EXECUTION: Execution = {
  ...{ argv: [], env: {}, binds: [], files: [], stdin: new Uint8Array(), message: () => 'source' },
  limits: {
    ...{ wallMs: 60_000, cpuSeconds: 1, memoryBytes: 1, processes: 1, diskBytes: 1, openFiles: 1, dataBytes: 1 },
    outputBytes: 100,
  },
  onStdout: () => true,
  onStderr: () => true,
};

/** A service whose compiler is this test. `die` ends its sandbox, as the kernel does. */
function service() {
  const input = pipes.openInput();
  const result = pipes.open();
  const [stdout, stderr] = [pipes.open(), pipes.open()];
  for (const { writer } of [stdout, stderr]) closeSync(writer);
  const exited = Promise.withResolvers<number>();
  let isOver = false;
  let oomKills = 0;
  let isOverMemory = false;
  const end = () => {
    if (isOver) return;
    isOver = true;
    for (const fd of [input.reader, result.writer]) closeSync(fd);
    exited.resolve(137);
  };
  const cold: Execution[] = [];
  const supervised = superviseCompileService({
    input,
    sandbox: {
      ...{ stdout, stderr, result, cgroup: undefined, confined: Promise.resolve(), exited: exited.promise, kill: end },
      ...{ isOver: () => isOver, isOverMemory: () => isOverMemory, residentBytes: () => 1, hasNoWriters: () => isOver },
      reported: exited.promise.then((exitCode) => ({ exitCode, pidNamespace: undefined })),
      closed: exited.promise.then(() => {}),
      usage: () => ({ cpuMs: 0, peakMemoryBytes: 0, oomKills }),
    },
    compileCold: async (execution) => {
      cold.push(execution);
      return COLD;
    },
    onEnd: () => {},
  });
  writeSync(result.writer, Buffer.of(0));
  return {
    supervised,
    cold,
    /** Compiles a program without a message or a class. */
    serve: async () => {
      const running = supervised.run(EXECUTION);
      const nonce = Buffer.alloc(NONCE_BYTES + 100);
      readSync(input.reader, nonce);
      writeSync(result.writer, Buffer.concat([nonce.subarray(0, NONCE_BYTES), Buffer.alloc(16)]));
      return await running;
    },
    dieOfMemory: () => {
      oomKills = 1;
      end();
    },
    exceedMemory: () => {
      isOverMemory = true;
    },
  };
}

describe.each([
  ['the kernel ends it', 'dieOfMemory'],
  ['a sample exceeds its bound', 'exceedMemory'],
] as const)('a compile service without memory, where %s', (_name, loseMemory) => {
  it('is the fault of the only program that it had', async () => {
    const { supervised, cold, ...compiler } = service();
    const running = supervised.run(EXECUTION);
    compiler[loseMemory]();
    expect(await running).toMatchObject({ exitCode: 137, outOfMemory: true });
    expect(cold).toEqual([]);
  });

  it('compiles a later program alone: earlier ones may have taken the memory', async () => {
    const { supervised, cold, serve, ...compiler } = service();
    expect(await serve()).toMatchObject({ exitCode: 0, outOfMemory: false });
    const running = supervised.run(EXECUTION);
    compiler[loseMemory]();
    expect(await running).toBe(COLD);
    expect(cold).toHaveLength(1);
    expect(cold[0]?.limits.wallMs).toBeLessThanOrEqual(EXECUTION.limits.wallMs);
  });
});
