import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LOAD_KINDS } from '../chaos/kinds.ts';
import { CHAOS_COLUMNS, chaosRows, chaosVerdicts, rejects, summaryOf } from '../chaos/report.ts';
import { runChaos } from '../chaos/run.ts';
import { Stage } from '../chaos/stage.ts';
import { missingRedis, withRedis } from '../cluster/instances.ts';
import type { Benchmark, Table } from '../harness.ts';
import { options, seconds } from '../options.ts';
import { CACHE } from '../peers/install.ts';

const SECONDS = 3_600;
const PER_SECOND = 50;
const FLEET = { instances: 3, modelServers: 2 };
const MAX_SEED = 2 ** 31;

const TITLE = 'Chaos: several servers under load, while parts of them end';

/** An hour in which servers, Redis and model servers are killed: nothing accepted may be lost. */
export const chaos: Benchmark = { name: 'chaos', run, isLong: true };

async function run(): Promise<Table> {
  const missing = missingRedis();
  if (missing !== undefined)
    return { title: TITLE, method: '', columns: [...CHAOS_COLUMNS], rows: [], verdicts: [], skipped: [missing] };
  const perSecond = options().perSecond ?? PER_SECOND;
  const seed = options().seed ?? Math.floor(Math.random() * MAX_SEED) + 1;
  const folder = join(CACHE, 'chaos', String(seed));
  mkdirSync(folder, { recursive: true });
  console.error(
    `  seed ${seed}; logs and rejected requests: ${folder}; kill -USR2 ${process.pid} ends it with a report`,
  );
  const early = new AbortController();
  process.once('SIGUSR2', () => early.abort());
  const done = await withRedis(async (redis) => {
    const stage = await Stage.start(redis, FLEET, folder);
    try {
      const report = (line: string) => console.error(`  ${line}`);
      const length = seconds(SECONDS);
      return await runChaos(stage, { seed, fleet: FLEET, perSecond, seconds: length, report, signal: early.signal });
    } finally {
      await stage.close();
    }
  });
  const rejected = rejects(done);
  writeFileSync(join(folder, 'rejects.jsonl'), rejected.map((line) => `${line}\n`).join(''));
  writeFileSync(join(folder, 'events.json'), JSON.stringify(done.incidents, undefined, 2));
  const shares = LOAD_KINDS.map(({ name, share }) => `${share} ${name}`).join(', ');
  return {
    title: TITLE,
    method: `Seed ${seed}, ${done.seconds} s. ${FLEET.instances} servers as \`npm start\` starts them, each by its own proxy at one Redis with an append-only file (\`appendfsync everysec\`), behind a TCP balancer that asks for /api/ready; ${FLEET.modelServers} scripted model servers, whose responses name their question in each word. ${perSecond} starts a second${done.heldBack === 0 ? '' : `, but ${done.heldBack}, for which too many were open`}, of a hundred: ${shares}. Clients try again as \`Retry-After\` says, resume by id, and send the whole request again where its id is not known any more. Events come 3 to 12 s after the one before: an instance is killed; Redis is killed, for 1 to 8 s; a model server is ended; an instance is cut off from Redis; all are stopped and started one after another. A row of an event has the requests that were open during it. ${summaryOf(done.outcomes)}. ${rejected.length} rejects with their ids, and the logs of the servers: ${folder}.`,
    columns: [...CHAOS_COLUMNS],
    rows: chaosRows(done),
    verdicts: chaosVerdicts(done),
  };
}
