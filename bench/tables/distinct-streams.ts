import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { type Benchmark, type RunningServer, startApp, startServer, type Table, type Verdict } from '../harness.ts';
import { chosenRows, rounds } from '../options.ts';
import type { StreamLoadResult } from '../peers/stream-load.ts';
import { residentMb, treeProcessorMs } from '../process-tree.ts';
import { measureInTurn, median, medianDifference } from '../rounds.ts';

const ROUNDS = 3;
const TOKENS = 150;
const PACE_MS = 20;
const MODEL = `stamp-${TOKENS}-${PACE_MS}`;
const WARM_UP_MODEL = `stamp-30-${PACE_MS}`;
const NEWCOMERS = 50;
/** QUEUE_MAX_CONCURRENT at its most: beyond it a newcomer waits for the end of another response. */
const MAX_CONCURRENT = 1_000;
const WARM_UP_STREAMS = 100;
const MAX_US_PER_TOKEN = 25;
const MAX_ADDED_P99_MS: Readonly<Record<number, number>> = { 300: 10, 1000: 30 };
const MAX_FIRST_P99_MS: Readonly<Record<number, number>> = { 300: 50 };
const ROWS = [100, 300, 1_000].map((streams) => ({ name: `${streams} streams`, streams }));

interface Measured extends StreamLoadResult {
  usPerToken: number;
  memoryMb: number;
}

interface Result {
  contender: string;
  streams: number;
  measured: Measured[];
  direct: Measured[];
}

/**
 * Different questions of many people at once, each streamed token by token: what a token costs,
 * how late it is, and how long a newcomer waits.
 */
export const distinctStreams: Benchmark = { name: 'distinct-streams', run };

async function run(): Promise<Table> {
  const model = await startServer(['bench/peers/paced-model-server.ts', '{port}'], '/count');
  const viaOurs = (path: string, env: Readonly<Record<string, string>>) => async (streams: number) => {
    // A new process for each round: its memory is that of this many streams.
    const ours = await startApp({
      ...env,
      RATE_LIMIT_CHAT: '0',
      LOG_LEVEL: 'warn',
      QUEUE_MAX_CONCURRENT: String(MAX_CONCURRENT),
    });
    await load(ours, path, WARM_UP_STREAMS, WARM_UP_MODEL);
    const measured = await load(ours, path, streams);
    await ours.stop();
    return measured;
  };
  const contenders = [
    { name: 'the model server itself (limit)', measure: (streams: number) => load(model, '/api/chat', streams) },
    {
      name: '/api/chat-optimized',
      measure: viaOurs('/api/chat-optimized', { MODEL_PROVIDER: 'ollama', OLLAMA_API_URL: model.url }),
    },
    {
      name: '/v1/chat/completions',
      measure: viaOurs('/v1/chat/completions', {
        MODEL_PROVIDER: 'openai',
        OPENAI_BASE_URL: `${model.url}/v1`,
      }),
    },
  ];
  await load(model, '/api/chat', WARM_UP_STREAMS, WARM_UP_MODEL);
  const results: Result[] = [];
  for (const { streams } of chosenRows(ROWS)) {
    const measured = await measureInTurn(contenders, ROUNDS, (one) => one.measure(streams), { warmUp: false });
    const direct = measured[0] ?? [];
    for (const [index, { name }] of contenders.entries())
      results.push({ contender: name, streams, measured: measured[index] ?? [], direct });
  }
  await model.stop();
  return report(results);
}

const newcomersOf = (streams: number) => (streams + NEWCOMERS <= MAX_CONCURRENT ? NEWCOMERS : 0);

async function load({ pid, url }: RunningServer, path: string, streams: number, model = MODEL): Promise<Measured> {
  const before = treeProcessorMs(pid);
  const args = ['bench/peers/stream-load.ts', url + path, model, String(streams), String(newcomersOf(streams))];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const result: StreamLoadResult = JSON.parse(stdout);
  const usPerToken = ((treeProcessorMs(pid) - before) * 1000) / result.allTokens;
  return { ...result, usPerToken, memoryMb: residentMb(pid) };
}

function report(results: readonly Result[]): Table {
  const of = ({ measured }: Result, field: keyof Measured) => median(measured.map((one) => one[field]));
  const added = ({ measured, direct }: Result, field: 'delayP50Us' | 'delayP99Us') =>
    medianDifference(
      measured.map((one) => one[field] / 1000),
      direct.map((one) => one[field] / 1000),
    );
  const ours = results.filter(({ measured, direct }) => measured !== direct);
  const failed = ours.flatMap(({ measured }) => measured).reduce((sum, one) => sum + one.failed, 0);
  return {
    title: 'Distinct streams: many people, each with a different question',
    method: `Each stream has ${TOKENS} tokens, the first at once and then one every ${PACE_MS} ms; they begin within a second, then, where there are free slots, ${NEWCOMERS} newcomers come one after another until their first token. First token: of the newcomers, or of all streams where no slot is free. Delay: from the model server's write of a token to its arrival at the client, all on one clock; added: less that of the model server alone in the same round. CPU: of the server, per token; its inverse is what one process can carry. ${rounds(ROUNDS)} rounds in turn, ours a new process in each, after ${WARM_UP_STREAMS} short streams to warm up. The client, the model server and ours share the cores of the machine.`,
    columns: [
      '',
      'CPU per token (µs)',
      'tokens/s of one core',
      'delay p50 (ms)',
      'p99 (ms)',
      'added p50 (ms)',
      'added p99 (ms)',
      'first token p50 (ms)',
      'p99 (ms)',
      'tokens/s here',
      'memory (MB)',
    ],
    rows: results.map((one) => [
      `${one.streams} streams, ${one.contender}`,
      of(one, 'usPerToken').toFixed(1),
      (1e6 / of(one, 'usPerToken')).toFixed(0),
      (of(one, 'delayP50Us') / 1000).toFixed(1),
      (of(one, 'delayP99Us') / 1000).toFixed(1),
      ...(['delayP50Us', 'delayP99Us'] as const).map((field) =>
        ours.includes(one) ? added(one, field).toFixed(1) : '',
      ),
      of(one, 'firstP50Ms').toFixed(1),
      of(one, 'firstP99Ms').toFixed(1),
      median(one.measured.map(({ tokens, seconds }) => tokens / seconds)).toFixed(0),
      of(one, 'memoryMb').toFixed(0),
    ]),
    verdicts: [
      ...ours.flatMap((one) => {
        const { [one.streams]: maxAdded } = MAX_ADDED_P99_MS;
        const { [one.streams]: maxFirst } = MAX_FIRST_P99_MS;
        return [
          atMost(one, 'CPU per token', of(one, 'usPerToken'), MAX_US_PER_TOKEN, 'µs'),
          ...(maxAdded === undefined
            ? []
            : [atMost(one, 'added delay per token, p99,', added(one, 'delayP99Us'), maxAdded, 'ms')]),
          ...(maxFirst === undefined ? [] : [atMost(one, 'first token, p99,', of(one, 'firstP99Ms'), maxFirst, 'ms')]),
        ];
      }),
      { goal: 'no stream is cut', result: String(failed), met: failed === 0 },
    ],
  };
}

function atMost({ streams, contender }: Result, what: string, value: number, limit: number, unit: string): Verdict {
  return {
    goal: `${streams} streams, ${contender}: ${what} ≤ ${limit} ${unit}`,
    result: `${value.toFixed(1)} ${unit}`,
    met: value <= limit,
  };
}
