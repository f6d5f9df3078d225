import { describe, expect, it } from 'vitest';
import { CompileServices } from '#lib/runner/pool/compile-services';
import type { CompileService, Execution, ExitReport } from '#lib/runner/sandbox/sandbox';

const REPORT: ExitReport = {
  ...{ started: true, setupError: '', exitCode: 0, stopReason: undefined, outOfMemory: false },
  ...{ wallMs: 1, cpuMs: 1, peakMemoryBytes: 1, pidNamespace: undefined },
};
const EXECUTION: Execution = {
  ...{ argv: [], env: {}, binds: [], files: [], stdin: new Uint8Array() },
  limits: {
    ...{ wallMs: 1, cpuSeconds: 1, memoryBytes: 1, processes: 1, diskBytes: 1, openFiles: 1, dataBytes: 1 },
    outputBytes: 1,
  },
  onStdout: () => true,
  onStderr: () => true,
};
const TEMPLATE = { name: 'compiler', megabytes: 10 };

interface Fake {
  id: number;
  isAlive: boolean;
  isReady: boolean;
  isWorn: boolean;
  isDiscarded: boolean;
}

function fakes({
  size = 2,
  canReserve = () => true,
  areReady = () => true,
}: {
  size?: number;
  canReserve?: () => boolean;
  areReady?: () => boolean;
} = {}) {
  const started: Fake[] = [];
  const ran: number[] = [];
  const services = new CompileServices({ size, idleMs: 60_000 });
  const start = (): CompileService => {
    const fake: Fake = { id: started.length, isAlive: true, isReady: areReady(), isWorn: false, isDiscarded: false };
    started.push(fake);
    return {
      get isAlive() {
        return fake.isAlive;
      },
      get isReady() {
        return fake.isReady;
      },
      get isWorn() {
        return fake.isWorn;
      },
      residentBytes: () => 1,
      run: async () => {
        ran.push(fake.id);
        return REPORT;
      },
      discard: async () => {
        fake.isDiscarded = true;
      },
    };
  };
  const refill = () => services.refill(TEMPLATE, start, canReserve);
  const use = async () => {
    const lent = services.take(TEMPLATE);
    await lent?.run(EXECUTION);
    return lent === undefined ? undefined : ran.at(-1);
  };
  return { services, started, refill, use };
}

describe('CompileServices', () => {
  it('has one after the first compilation, and uses it for all later ones', async () => {
    const { services, started, refill, use } = fakes();
    expect(await use()).toBeUndefined();
    refill();
    expect([await use(), await use(), await use()]).toEqual([0, 0, 0]);
    refill();
    expect(started).toHaveLength(1);
    expect(services.megabytes).toBe(10);
  });

  it('lends a service to one compilation at a time, and starts as many as are needed at once', async () => {
    const { services, started, refill } = fakes();
    services.take(TEMPLATE);
    refill();
    const first = services.take(TEMPLATE);
    expect(services.take(TEMPLATE)).toBeUndefined();
    refill();
    expect(started).toHaveLength(2);
    const second = services.take(TEMPLATE);
    expect(services.take(TEMPLATE)).toBeUndefined();
    refill();
    expect(started).toHaveLength(2);
    await first?.run(EXECUTION);
    await second?.run(EXECUTION);
    expect(services.take(TEMPLATE)).toBeDefined();
  });

  it('replaces one that has died', async () => {
    const { started, refill, use } = fakes();
    await use();
    refill();
    const [first] = started;
    if (first === undefined) throw new Error('one was started');
    first.isAlive = false;
    expect(await use()).toBeUndefined();
    expect(first.isDiscarded).toBe(true);
    refill();
    expect(await use()).toBe(1);
  });

  it('uses a worn one until its replacement is ready', async () => {
    let areReady = true;
    const { started, refill, use } = fakes({ areReady: () => areReady });
    await use();
    refill();
    const [first] = started;
    if (first === undefined) throw new Error('one was started');
    first.isWorn = true;
    areReady = false;
    refill();
    const [, second] = started;
    if (second === undefined) throw new Error('another was started');
    expect(await use()).toBe(0);
    refill();
    expect(first.isDiscarded).toBe(false);
    second.isReady = true;
    expect(await use()).toBe(1);
    refill();
    expect([first.isDiscarded, second.isDiscarded, started.length]).toEqual([true, false, 2]);
  });

  it('starts none without memory for it', async () => {
    const { services, started, refill, use } = fakes({ canReserve: () => false });
    await use();
    refill();
    expect(started).toHaveLength(0);
    expect(services.megabytes).toBe(0);
  });

  it('discards all of them when it is closed', async () => {
    const { services, started, refill, use } = fakes();
    await use();
    refill();
    await services.close();
    expect(started.map(({ isDiscarded }) => isDiscarded)).toEqual([true]);
    expect(services.all()).toEqual([]);
  });
});
