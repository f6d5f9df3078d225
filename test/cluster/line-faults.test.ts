import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, it, type TestContext } from 'vitest';
import { z } from 'zod';
import { ALONE_OFFSET } from '#lib/chat/generation/event-numbers';
import type { RunProcessor } from '#lib/cluster/shared-types';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { counter, generationOf, LineGroup } from '../support/shared-line.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';

/** What a test works with. It is ended with the test. */
function scene({ onTestFinished }: TestContext) {
  const lines = new LineGroup();
  const closing: { close(): unknown }[] = [];
  onTestFinished(async () => {
    await lines.close();
    await Promise.all(closing.map((one) => one.close()));
  });
  return {
    lines,
    closing,
    redisServer: async (): Promise<RedisServer> => {
      const redis = await startRedis();
      closing.push(redis);
      return redis;
    },
  };
}

const eventually = { timeout: 20_000, interval: 10 };
/** Before a lock runs out, or an attempt to connect again that waits ever longer. */
const soon = { timeout: 8_000, interval: 10 };

const reportSchema = z.object({
  run: z.string().optional(),
  stalled: z.number().optional(),
  at: z.number().optional(),
});

/** A process that works on the line, with what it reports. */
async function startWorker(
  { expect }: Pick<TestContext, 'expect'>,
  closing: { close(): unknown }[],
  [port, slots, holdMs]: readonly [port: number, slots: number, holdMs: number],
) {
  const args = ['test/support/line-worker.ts', ...[port, slots, holdMs].map(String)];
  const child: ChildProcess = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  closing.push({ close: () => child.kill('SIGKILL') });
  const reports: z.infer<typeof reportSchema>[] = [];
  if (child.stdout === null) throw new Error('no output');
  createInterface(child.stdout).on('line', (line) => reports.push(reportSchema.parse(JSON.parse(line))));
  await expect.poll(() => reports.length, eventually).toBeGreaterThan(0);
  return { child, taken: () => reports.flatMap(({ run, stalled }) => (run === undefined ? [] : [{ run, stalled }])) };
}

// Each waits for a lock or a connection to run out.
describe.concurrent('the shared line, where workers, connections, servers and Redis fail', () => {
  it('starts a request on the local scheduler while Redis is away', async (context) => {
    const { expect } = context;
    const { lines, redisServer } = scene(context);
    const redis = await redisServer();
    const front = await lines.joinFront(redis.port);
    await redis.kill();
    await expect.poll(() => front.link.connection.isUsable, eventually).toBe(false);
    const away = generationOf('away', 'caller');
    front.submit(away);
    expect(front.here).toEqual(['away']);
    expect(away.isDegraded).toBe(true);
    expect(front.runs.admitted).toEqual([]);
  });

  it('starts a request on the local scheduler where Redis fails in the middle', async (context) => {
    const { expect } = context;
    const { lines, redisServer } = scene(context);
    const redis = await redisServer();
    const front = await lines.joinFront(redis.port);
    redis.freeze();
    const frozen = generationOf('frozen', 'caller');
    front.submit(frozen);
    expect(frozen.isDegraded).toBe(false);
    await expect.poll(() => front.here, eventually).toEqual(['frozen']);
    expect([frozen.isDegraded, frozen.eventOffset]).toEqual([true, ALONE_OFFSET]);
    expect(front.runs.startedHere).toEqual(['frozen']);
    redis.resume();
  });

  it('takes runs again soon after Redis was killed and is back', async (context) => {
    const { expect } = context;
    const { lines, redisServer } = scene(context);
    const redis = await redisServer();
    const front = await lines.joinFront(redis.port);
    const counted = counter(10);
    await (await lines.join(redis.port, counted.process)).line.start();
    front.submit(generationOf('before', 'caller'));
    await expect.poll(() => counted.started, eventually).toEqual(['before']);
    for (const awayMs of [500, 8_000]) {
      await redis.kill();
      await delay(awayMs);
      await redis.restart();
      await expect.poll(() => front.link.connection.isUsable, soon).toBe(true);
      const id = `after ${awayMs}`;
      front.submit(generationOf(id, 'caller'));
      await expect.poll(() => counted.started, soon).toContain(id);
    }
    expect(counted.started).toEqual(['before', 'after 500', 'after 8000']);
  }, 60_000);

  it('makes a worker again whose connections have died without a word', async (context) => {
    const { expect } = context;
    const { lines, closing, redisServer } = scene(context);
    const redis = await redisServer();
    const proxy = await startTcpProxy(redis.port);
    closing.push(proxy);
    const front = await lines.joinFront(redis.port);
    const counted = counter(10);
    await (await lines.join(redis.port, counted.process, { workerPort: proxy.port })).line.start();
    front.submit(generationOf('before', 'caller'));
    await expect.poll(() => counted.started, eventually).toEqual(['before']);
    proxy.loseOpen();
    front.submit(generationOf('after', 'caller'));
    await expect.poll(() => counted.started, { timeout: 30_000 }).toEqual(['before', 'after']);
  }, 60_000);

  it('keeps a run whose lock has run out while Redis was away', async (context) => {
    const { expect } = context;
    const { lines, redisServer } = scene(context);
    const redis = await redisServer();
    const front = await lines.joinFront(redis.port);
    const taken: string[] = [];
    const aborted: string[] = [];
    let end = () => {};
    const process: RunProcessor = ({ run, signal }) => {
      taken.push(run);
      signal.addEventListener('abort', () => aborted.push(run));
      return new Promise((resolve) => {
        end = () => resolve('ended');
      });
    };
    const workers = [await lines.join(redis.port, process), await lines.join(redis.port, process)];
    for (const { line } of workers) await line.start();
    front.submit(generationOf('long', 'caller'));
    await expect.poll(() => taken, eventually).toEqual(['long']);
    await redis.kill();
    await delay(11_000);
    await redis.restart();
    // Two looks for stalled jobs, and a moment.
    await delay(8_000);
    expect(taken).toEqual(['long']);
    expect(aborted).toEqual([]);
    end();
    await expect.poll(() => workers[0]?.line.view.queueLength, eventually).toBe(0);
  }, 60_000);

  it('takes the run of a killed worker again, before all others', async (context) => {
    const { expect } = context;
    const { lines, closing, redisServer } = scene(context);
    const redis = await redisServer();
    const front = await lines.joinFront(redis.port, { slots: 1 });
    const doomed = await startWorker(context, closing, [redis.port, 1, 600_000]);
    front.submit(generationOf('lost', 'caller'));
    await expect.poll(doomed.taken, eventually).toEqual([{ run: 'lost', stalled: 0 }]);
    front.submit(generationOf('next', 'caller', 10));
    await expect.poll(() => front.runs.admitted.length, eventually).toBe(2);
    const other = await startWorker(context, closing, [redis.port, 1, 10]);
    doomed.child.kill('SIGKILL');
    await expect.poll(() => other.taken()[0], { timeout: 40_000 }).toEqual({ run: 'lost', stalled: 1 });
    await expect.poll(() => other.taken()[1], eventually).toEqual({ run: 'next', stalled: 0 });
  }, 60_000);

  it('moves the line of a server that no instance reaches to another one', async (context) => {
    const { expect } = context;
    const { lines, redisServer } = scene(context);
    const redis = await redisServer();
    const options = { urls: ['http://127.0.0.1:1', 'http://127.0.0.1:2'] };
    const front = await lines.joinFront(redis.port, options);
    for (const id of ['a', 'b', 'c']) front.submit(generationOf(id, 'caller'));
    await expect.poll(() => front.runs.admitted.length, eventually).toBe(3);
    const counted = counter(5);
    const worker = await lines.join(redis.port, counted.process, { ...options, slots: 1 });
    // It may be asked again when it responds.
    worker.lane.server.downSince = Date.now();
    await worker.line.start();
    await delay(5_000);
    expect(counted.started).toEqual([]);
    await expect.poll(() => counted.started, { timeout: 70_000 }).toEqual(['a', 'b', 'c']);
    expect((await worker.runs.read('a'))?.lane).toBe(worker.lanes[1]?.server.id);
  }, 90_000);

  it('sets the bound of a lane again where Redis comes back empty', async (context) => {
    const { expect } = context;
    const { lines, redisServer } = scene(context);
    const redis = await redisServer();
    const front = await lines.joinFront(redis.port);
    const counted = counter(100);
    for (let worker = 0; worker < 3; worker++) await (await lines.join(redis.port, counted.process)).line.start();
    await redis.kill();
    await redis.restart({ isEmpty: true });
    await expect.poll(() => front.link.connection.isUsable, eventually).toBe(true);
    await delay(100);
    for (let index = 0; index < 12; index++) front.submit(generationOf(`run ${index}`, 'caller'));
    await expect.poll(() => counted.started.length, eventually).toBe(12);
    expect(counted.most).toBe(2);
  });
});
