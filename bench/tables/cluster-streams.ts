import { missingRedis, withRedis } from '../cluster/instances.ts';
import { measureManyReaders } from '../cluster/many-readers.ts';
import { FLOW_COLUMNS, type StreamMeasurement } from '../cluster/stream-rows.ts';
import { measureStreamsElsewhere } from '../cluster/streams-elsewhere.ts';
import type { Benchmark, Table } from '../harness.ts';
import { chosenRows } from '../options.ts';

const PARTS = [
  { name: 'streams at another server', measure: measureStreamsElsewhere },
  { name: 'readers of one response', measure: measureManyReaders },
] as const;

/** Responses that are read at other servers than the one that writes them. */
export const clusterStreams: Benchmark = { name: 'cluster-streams', run };

async function run(): Promise<Table> {
  const missing = missingRedis();
  const measured: StreamMeasurement[] = [];
  if (missing === undefined) for (const { measure } of chosenRows(PARTS)) measured.push(await withRedis(measure));
  return {
    title: 'Several servers: streams that another one writes',
    method: [
      'The built app and a real Redis with an append-only file on loopback; the servers share one database, and the machine with the readers.',
      ...measured.map(({ method }) => method),
    ].join(' '),
    columns: [...FLOW_COLUMNS],
    rows: measured.flatMap(({ rows }) => rows),
    verdicts: measured.flatMap(({ verdicts }) => verdicts),
    ...(missing === undefined ? {} : { skipped: [missing] }),
  };
}
