import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import {
  type Benchmark,
  median,
  processorMs,
  type RunningServer,
  residentMb,
  startApp,
  startServer,
  type Table,
} from '../harness.ts';
import type { StreamLoadResult } from '../peers/stream-load.ts';

const ROUNDS = 3;
const SIZES = [100, 300, 1_000];
const TOKENS = 150;
const PACE_MS = 20;
const NEWCOMERS = 50;
/** QUEUE_MAX_CONCURRENT: beyond it a newcomer waits for the end of another response. */
const MAX_CONCURRENT = 1_000;

interface Measured extends StreamLoadResult {
  usPerToken: number;
  memoryMb: number;
}

/**
 * Different questions of many people at once, each streamed word by word: what a token costs, how
 * late it is, and how long a newcomer waits.
 */
export const distinctStreams: Benchmark = { name: 'distinct-streams', run };

async function run(): Promise<Table> {
  const model = await startServer(['bench/peers/paced-model-server.ts', '{port}'], '/count');
  const rows: { name: string; size: number; direct: Measured[]; ours: Measured[] }[] = [];
  for (const size of SIZES) {
    const row = { name: `${size} streams`, size, direct: [] as Measured[], ours: [] as Measured[] };
    for (let round = 0; round < ROUNDS; round++) {
      row.direct.push(await load(model, `${model.url}/api/chat`, size));
      // A new process for each round: its memory is that of this many streams.
      const ours = await startApp({
        MODEL_PROVIDER: 'ollama',
        OLLAMA_API_URL: model.url,
        RATE_LIMIT_CHAT: '0',
        QUEUE_MAX_CONCURRENT: String(MAX_CONCURRENT),
      });
      await load(ours, `${ours.url}/api/chat-optimized`, 20);
      row.ours.push(await load(ours, `${ours.url}/api/chat-optimized`, size));
      await ours.stop();
    }
    rows.push(row);
  }
  await model.stop();
  return report(rows);
}

const newcomersOf = (size: number) => (size + NEWCOMERS <= MAX_CONCURRENT ? NEWCOMERS : 0);

async function load({ pid }: RunningServer, url: string, size: number): Promise<Measured> {
  const before = processorMs(pid);
  const args = [
    'bench/peers/stream-load.ts',
    url,
    `stamp-${TOKENS}-${PACE_MS}`,
    String(size),
    String(newcomersOf(size)),
  ];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const result = JSON.parse(stdout) as StreamLoadResult;
  const usPerToken = ((processorMs(pid) - before) * 1000) / result.tokens;
  return { ...result, usPerToken, memoryMb: residentMb(pid) };
}

function report(rows: readonly { name: string; size: number; direct: Measured[]; ours: Measured[] }[]): Table {
  const of = (list: readonly Measured[], field: keyof Measured) => median(list.map((one) => one[field]));
  const added = (row: (typeof rows)[number], field: 'delayP50Us' | 'delayP99Us') =>
    median(row.ours.map((one, round) => (one[field] - (row.direct[round]?.[field] ?? Number.NaN)) / 1000));
  const verdict = (size: number, goal: string, value: number, limit: number, unit: string) => ({
    goal: `${size} streams: ${goal} ≤ ${limit} ${unit}`,
    result: `${value.toFixed(1)} ${unit}`,
    met: value <= limit,
  });
  const sized = (size: number) => rows.find((row) => row.size === size);
  const [middle, large] = [sized(300), sized(1_000)];
  return {
    title: 'Distinct streams: many people, each with a different question',
    method: `Each stream has ${TOKENS} tokens, one every ${PACE_MS} ms; they begin within a second, then, where there is a free slot, ${NEWCOMERS} newcomers come one after another until their first token. Delay: from the model server's write of a token to its arrival at the client, all on one clock; added: ours less the model server alone in the same round. CPU: of our process, per token. ${ROUNDS} rounds in turn. The client, the model server and ours share the cores of the machine.`,
    columns: [
      '',
      'CPU per token (µs)',
      'added p50 (ms)',
      'added p99 (ms)',
      'first token p50 (ms)',
      'first token p99 (ms)',
      'tokens/s',
      'memory (MB)',
    ],
    rows: rows.map((row) => [
      row.name,
      of(row.ours, 'usPerToken').toFixed(1),
      added(row, 'delayP50Us').toFixed(1),
      added(row, 'delayP99Us').toFixed(1),
      newcomersOf(row.size) === 0 ? '' : of(row.ours, 'firstP50Ms').toFixed(1),
      newcomersOf(row.size) === 0 ? '' : of(row.ours, 'firstP99Ms').toFixed(1),
      median(row.ours.map(({ tokens, seconds }) => tokens / seconds)).toFixed(0),
      of(row.ours, 'memoryMb').toFixed(0),
    ]),
    verdicts: [
      ...rows.map((row) => verdict(row.size, 'CPU per token', of(row.ours, 'usPerToken'), 25, 'µs')),
      ...(middle === undefined
        ? []
        : [
            verdict(300, 'added delay per token, p99,', added(middle, 'delayP99Us'), 10, 'ms'),
            verdict(300, 'first token of a newcomer, p99,', of(middle.ours, 'firstP99Ms'), 50, 'ms'),
          ]),
      ...(large === undefined
        ? []
        : [verdict(1_000, 'added delay per token, p99,', added(large, 'delayP99Us'), 30, 'ms')]),
      {
        goal: 'no stream is cut',
        result: String(rows.flatMap(({ ours }) => ours).reduce((sum, { failed }) => sum + failed, 0)),
        met: rows.every(({ ours }) => ours.every(({ failed }) => failed === 0)),
      },
    ],
  };
}
