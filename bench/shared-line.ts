/**
 * Times of the line that several servers share: `node bench/shared-line.ts`. Needs redis-server.
 * The worker is another process, as another server would be.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { LaneQueue } from '#lib/cluster/lane-queue';
import { SharedTurns } from '#lib/cluster/turns';
import { startRedis } from '../test/support/redis.ts';
import { generationOf, joinLine } from '../test/support/shared-line.ts';

const SUBMISSIONS = 600;
const WARM_UP = 200;
const WAITING = 20_000;
const PROBES = 500;

const redis = await startRedis();
const front = await joinLine(redis.port, 'front', async () => 'ended', { env: { QUEUE_MAX_SIZE: '100000' } });
front.line.pause();
const { id: lane } = front.lane.server;
const { connection, keys } = front.link;
const queue = new LaneQueue(connection, keys, lane);
await queue.configure(2);
const turns = new SharedTurns(connection, keys);

await measureStarts();
await measureLongLine();
await front.close();
await redis.close();

/** From the submission until another process has the run. */
async function measureStarts(): Promise<void> {
  const args = ['test/support/line-worker.ts', String(redis.port), '2', '0'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const waiting = new Map<string, (at: number) => void>();
  const ready = new Promise<void>((resolve) => waiting.set('ready', () => resolve()));
  createInterface(child.stdout).on('line', (text) => {
    const { run = 'ready', at = 0 } = JSON.parse(text);
    waiting.get(run)?.(at);
  });
  await ready;
  const times: number[] = [];
  for (let index = 0; index < SUBMISSIONS; index++) {
    const run = `start ${index}`;
    const started = new Promise<number>((resolve) => waiting.set(run, resolve));
    const sentAt = performance.timeOrigin + performance.now();
    front.submit(generationOf(run, 'caller'));
    times.push((await started) - sentAt);
  }
  report('submit until another process has it, idle lane', times.slice(WARM_UP));
  child.kill('SIGKILL');
  const known = () => front.runs.admitted.length + front.here.length;
  const before = known();
  const burstAt = performance.now();
  for (let index = 0; index < 1_000; index++) front.submit(generationOf(`burst ${index}`, `caller ${index % 5}`));
  while (known() < before + 1_000) await new Promise((resolve) => setTimeout(resolve, 5));
  const ms = Math.round(performance.now() - burstAt);
  console.log(`1,000 submissions at once: ${front.runs.admitted.length - before} in the line after ${ms} ms`);
}

/** Submissions, positions and cancellations behind many others. */
async function measureLongLine(): Promise<void> {
  for (let from = 0; from < WAITING; from += 1_000)
    await Promise.all(
      Array.from({ length: 1_000 }, (_, index) => {
        const turn = { caller: `caller ${index % 50}`, priority: 0, turn: from + index };
        return queue.add({ run: `waiting ${from + index}`, group: 'test', sortKey: from + index + 41, turn });
      }),
    );
  console.log(`${(await queue.counts()).waiting} wait`);
  const [adds, positions, fronts, moves, removals]: number[][] = [[], [], [], [], []];
  for (let index = 0; index < PROBES; index++) {
    const run = `probe ${index}`;
    await timed(adds, async () => {
      const turn = await turns.assign(lane, { caller: 'probe', priority: 0 });
      await queue.add({ run, group: 'test', sortKey: 10_000, turn: { caller: 'probe', priority: 0, turn } });
    });
    await timed(positions, () => queue.standing(`waiting ${(index * 37) % WAITING}`));
    await timed(moves, () => queue.move(run, (sortKey) => sortKey - 4));
    await timed(removals, () => queue.remove(run));
    if (index % 10 === 0) await timed(fronts, () => queue.front(1_000));
  }
  report('turn and job', adds);
  report('position', positions);
  report('positions of the first 1,000', fronts);
  report('raise', moves);
  report('withdraw', removals);
}

async function timed(times: number[] | undefined, work: () => Promise<unknown>): Promise<void> {
  const startedAt = performance.now();
  await work();
  times?.push(performance.now() - startedAt);
}

function report(what: string, times: number[] = []): void {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) => (sorted[Math.floor(sorted.length * share)] ?? 0).toFixed(2);
  console.log(`${what}: p50 ${at(0.5)} ms, p95 ${at(0.95)} ms (${sorted.length})`);
}
