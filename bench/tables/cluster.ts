import { cachedResponses, sharedHits } from '../cluster/cached.ts';
import { COMPARISON_COLUMNS, comparisonRow, type Measurement, type Part } from '../cluster/comparison.ts';
import { firstToken } from '../cluster/first-token.ts';
import { missingRedis, withRedis } from '../cluster/instances.ts';
import { queueSteps } from '../cluster/queue-steps.ts';
import { stopElsewhere } from '../cluster/stop-elsewhere.ts';
import type { Benchmark, Table } from '../harness.ts';
import { chosenRows } from '../options.ts';

const PARTS: readonly Part[] = [firstToken, cachedResponses, sharedHits, queueSteps, stopElsewhere];

/** What it costs a request that several servers share a Redis. */
export const cluster: Benchmark = { name: 'cluster', run };

async function run(): Promise<Table> {
  const missing = missingRedis();
  const measured: Measurement[] = [];
  if (missing === undefined)
    for (const part of chosenRows(PARTS)) measured.push(await withRedis((redis) => part.measure(redis)));
  return {
    title: 'Several servers: what sharing a Redis costs',
    method: [
      'The built app and a real Redis with an append-only file on loopback, one database for the servers of a group, which has no responses; contenders are measured in turn.',
      ...measured.map(({ method }) => method),
    ].join(' '),
    columns: [...COMPARISON_COLUMNS],
    rows: measured.flatMap(({ rows }) => rows).map(comparisonRow),
    verdicts: measured.flatMap(({ verdicts }) => verdicts),
    ...(missing === undefined ? {} : { skipped: [missing] }),
  };
}
