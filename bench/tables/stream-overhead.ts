import { join } from 'node:path';
import { type Benchmark, startApp, startServer, type Table } from '../harness.ts';
import { rounds } from '../options.ts';
import { installedPeer } from '../peers/install.ts';
import { median } from '../rounds.ts';
import { readStream } from '../stream-client.ts';

const ROUNDS = 3;
const SINGLE_REQUESTS = 200;
const STREAMS = 32;
const MAX_FIRST_TOKEN_MS = 0.3;
const PORTKEY = '1.15.2';
/** As fast as a busy GPU serves 32 people: 50 tokens a second each. */
const PACED = 'words-150-20';

interface Contender {
  name: string;
  url: string;
  headers: Record<string, string>;
  firstMs: number[];
  wordsPerSecond: number[];
}

/** What standing before a model server costs: the first token, and the flow of 32 streams. */
export const streamOverhead: Benchmark = { name: 'stream', run };

async function run(): Promise<Table> {
  const model = await startServer(['bench/peers/model-server.ts', '{port}'], '/count');
  const base = `${model.url}/v1`;
  const ours = await startApp({
    MODEL_PROVIDER: 'openai',
    OPENAI_BASE_URL: base,
    RATE_LIMIT_CHAT: '0',
    QUEUE_MAX_CONCURRENT: '64',
  });
  const portkey = await startServer(
    [
      '--import',
      './bench/peers/portkey.mjs',
      join(installedPeer('@portkey-ai/gateway', PORTKEY), 'build', 'start-server.js'),
      '--port={port}',
      '--headless',
    ],
    '/',
    { TRUSTED_CUSTOM_HOSTS: '127.0.0.1' },
  );
  const contenders: Contender[] = [
    {
      name: 'the model server itself (limit)',
      url: `${base}/chat/completions`,
      headers: {},
      firstMs: [],
      wordsPerSecond: [],
    },
    {
      name: 'Chill Space',
      url: `${ours.url}/v1/chat/completions`,
      headers: { 'cache-control': 'no-cache' },
      firstMs: [],
      wordsPerSecond: [],
    },
    {
      name: `Portkey's gateway ${PORTKEY}`,
      url: `${portkey.url}/v1/chat/completions`,
      headers: { 'x-portkey-provider': 'openai', 'x-portkey-custom-host': base, authorization: 'Bearer none' },
      firstMs: [],
      wordsPerSecond: [],
    },
  ];
  let asked = 0;
  const body = (name: string) => ({
    model: name,
    stream: true,
    messages: [{ role: 'user', content: `question ${asked++}` }],
  });
  for (let round = -1; round < rounds(ROUNDS); round++) {
    for (const { url, headers, firstMs, wordsPerSecond } of contenders) {
      const firsts: number[] = [];
      for (let index = 0; index < SINGLE_REQUESTS; index++)
        firsts.push((await readStream(url, body('words-1-0'), headers)).firstMs);
      const started = performance.now();
      const streams = await Promise.all(Array.from({ length: STREAMS }, () => readStream(url, body(PACED), headers)));
      const seconds = (performance.now() - started) / 1000;
      if (round < 0) continue;
      firstMs.push(median(firsts));
      wordsPerSecond.push(streams.reduce((sum, { words }) => sum + words, 0) / seconds);
    }
  }
  for (const server of [ours, portkey, model]) await server.stop();
  return report(contenders);
}

function report(contenders: Contender[]): Table {
  const [limit, ours, portkey] = contenders;
  if (limit === undefined || ours === undefined || portkey === undefined) throw new Error('contenders are fixed');
  const added = (one: Contender) => median(one.firstMs.map((ms, round) => ms - (limit.firstMs[round] ?? Number.NaN)));
  const share = (one: Contender) =>
    median(one.wordsPerSecond.map((speed, round) => speed / (limit.wordsPerSecond[round] ?? Number.NaN)));
  return {
    title: 'Streams: what standing before a model server costs',
    method: `One client, OpenAI's API on all, the same scripted model server behind; ${rounds(ROUNDS)} rounds taken in turn after one to warm up. First token: median of ${SINGLE_REQUESTS} requests one after another. Flow: ${STREAMS} streams at once of 150 tokens, one every 20 ms.`,
    columns: ['', 'first token (ms)', 'added (ms)', `tokens/s of ${STREAMS} streams`, 'of the limit'],
    rows: contenders.map((one) => [
      one.name,
      median(one.firstMs).toFixed(2),
      one === limit ? '' : added(one).toFixed(2),
      median(one.wordsPerSecond).toFixed(0),
      `${(share(one) * 100).toFixed(1)} %`,
    ]),
    verdicts: [
      {
        goal: `first token + ≤ ${MAX_FIRST_TOKEN_MS} ms`,
        result: `+ ${added(ours).toFixed(2)} ms`,
        met: added(ours) <= MAX_FIRST_TOKEN_MS,
      },
      {
        goal: 'tokens/s ≥ 98 % of the limit at 32 streams',
        result: `${(share(ours) * 100).toFixed(1)} %`,
        met: share(ours) >= 0.98,
      },
      {
        goal: "no slower to the first token than Portkey's gateway",
        result: `+ ${added(ours).toFixed(2)} ms against + ${added(portkey).toFixed(2)} ms`,
        met: added(ours) <= added(portkey),
      },
    ],
  };
}
