import { type Benchmark, type RunningServer, startApp, startServer, type Table } from '../harness.ts';
import { flawless, type MeasuredLoad, measuredLoad } from '../load.ts';
import { chosenRows, rounds, seconds } from '../options.ts';
import { llmProxies } from '../peers/llm-proxies.ts';
import { measureInTurn, median, medianDifference, medianRatio } from '../rounds.ts';
import { readStream } from '../stream-client.ts';

const ROUNDS = 5;
const SECONDS = 4;
const CALLERS = 32;
const SINGLE_REQUESTS = 200;
const OURS = 'Chill Space';
const MODEL = 'words-40-0';
const FIRST_TOKEN_MODEL = 'words-1-0';
const MAX_US_PER_REQUEST = 200;
const MAX_FIRST_TOKEN_MS = 0.3;

interface Contender {
  name: string;
  path: string;
  /** Runs `work` on its server, which is up already or only for this. */
  use: (work: (server: RunningServer) => Promise<Round>) => Promise<Round>;
}

interface Round {
  busy: MeasuredLoad;
  firstMs: number;
}

interface Result extends Contender {
  rounds: Round[];
}

/**
 * Questions that were never asked before: what it costs to stand in front of a model server, for a
 * crowd and for one caller.
 */
export const uncached: Benchmark = { name: 'uncached', run };

async function run(): Promise<Table> {
  const model = await startServer(['bench/peers/paced-model-server.ts', '{port}'], '/count');
  const ours = await startApp({
    MODEL_PROVIDER: 'openai',
    OPENAI_BASE_URL: `${model.url}/v1`,
    RATE_LIMIT_CHAT: '0',
    QUEUE_MAX_CONCURRENT: '64',
    LOG_LEVEL: 'warn',
  });
  const { proxies, skipped } = llmProxies();
  const kept = [model, ours];
  const peers: Contender[] = [];
  for (const { name, path, start, hasBreaker } of proxies)
    try {
      const startPeer = () => start(model.url, [MODEL, FIRST_TOKEN_MODEL]);
      const server = await startPeer();
      if (hasBreaker) await server.stop();
      else kept.push(server);
      peers.push({ name, path, use: hasBreaker ? restarted(startPeer) : (work) => work(server) });
    } catch (error) {
      skipped.push(`${name}: ${error instanceof Error ? error.message.trim().split('\n').at(-1) : error}`);
    }
  const viaOurs = (path: string): Contender => ({ name: `${OURS}, ${path}`, path, use: (work) => work(ours) });
  const contenders: Contender[] = [
    { name: 'the model server itself (limit)', path: '/v1/chat/completions', use: (work) => work(model) },
    ...chosenRows([viaOurs('/api/chat-optimized'), viaOurs('/v1/chat/completions'), ...peers]),
  ];
  const results = await measureInTurn(contenders, ROUNDS, (one) => one.use((server) => measure(one, server)));
  for (const server of kept.toReversed()) await server.stop();
  return report(
    contenders.map((contender, index) => ({ ...contender, rounds: results[index] ?? [] })),
    skipped,
  );
}

function restarted(start: () => Promise<RunningServer>): Contender['use'] {
  return async (work) => {
    const server = await start();
    try {
      return await work(server);
    } finally {
      await server.stop();
    }
  };
}

let measured = 0;

async function measure({ name, path }: Contender, server: RunningServer): Promise<Round> {
  measured += 1;
  const firsts: number[] = [];
  for (let index = 0; index < SINGLE_REQUESTS; index++) {
    const body: unknown = JSON.parse(request(FIRST_TOKEN_MODEL, `Question ${measured}.${index}`));
    firsts.push((await readStream(server.url + path, body)).firstMs);
  }
  const [before = '', after = ''] = request(MODEL, `Question ${measured}.#: say hello.`).split('#');
  const load = { body: { before, after }, connections: CALLERS, seconds: SECONDS };
  return { busy: flawless(measuredLoad(server, path, load), name), firstMs: median(firsts) };
}

const request = (model: string, content: string) =>
  JSON.stringify({ model, messages: [{ role: 'user', content }], stream: true });

function report(results: readonly Result[], skipped: string[]): Table {
  const [limit] = results;
  if (limit === undefined) throw new Error('the model server is always measured');
  const perSecond = (one: Result) => one.rounds.map(({ busy }) => busy.requestsPerSecond);
  const cpu = (one: Result) => one.rounds.map(({ busy }) => busy.usPerRequest);
  const firsts = (one: Result) => one.rounds.map(({ firstMs }) => firstMs);
  const added = (one: Result) => medianDifference(firsts(one), firsts(limit));
  const ours = results.filter(({ name }) => name.startsWith(OURS));
  const olla = results.find(({ name }) => name === 'Olla');
  return {
    title: 'Uncached answers: what standing before a model server costs',
    method: `Questions that differ, each with an answer of 40 words as a stream, from a scripted model server that writes it at once. ${SINGLE_REQUESTS} requests one after another with an answer of one word; then wrk with one thread and ${CALLERS} connections for ${seconds(SECONDS)} s. ${rounds(ROUNDS)} rounds in turn after one to warm up; medians, ratios within a round. CPU: of all processes of the server, per request; its inverse is what one core can carry. All peers speak OpenAI's API to the model server. The client, the model server and the contender share the cores of the machine.`,
    columns: [
      '',
      'requests/s',
      'of the limit',
      'CPU (µs)',
      'requests/s of one core',
      'p99 (ms)',
      'first token (ms)',
      'added (ms)',
    ],
    rows: results.map((one) => [
      one.name,
      median(perSecond(one)).toFixed(0),
      `${(medianRatio(perSecond(one), perSecond(limit)) * 100).toFixed(0)} %`,
      median(cpu(one)).toFixed(0),
      (1e6 / median(cpu(one))).toFixed(0),
      median(one.rounds.map(({ busy }) => busy.p99Ms)).toFixed(1),
      median(firsts(one)).toFixed(2),
      one === limit ? '' : added(one).toFixed(2),
    ]),
    verdicts: ours.flatMap((one) => [
      {
        goal: `${one.name}: ≤ ${MAX_US_PER_REQUEST} µs of CPU per request`,
        result: `${median(cpu(one)).toFixed(0)} µs`,
        met: median(cpu(one)) <= MAX_US_PER_REQUEST,
      },
      ...(olla === undefined
        ? []
        : [
            {
              goal: `${one.name}: more requests/s of one core than Olla`,
              result: `${medianRatio(cpu(olla), cpu(one)).toFixed(2)} ×`,
              met: medianRatio(cpu(olla), cpu(one)) > 1,
            },
          ]),
      {
        goal: `${one.name}: first token + ≤ ${MAX_FIRST_TOKEN_MS} ms for one caller, p50`,
        result: `+ ${added(one).toFixed(2)} ms`,
        met: added(one) <= MAX_FIRST_TOKEN_MS,
      },
    ]),
    skipped,
  };
}
