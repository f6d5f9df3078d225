import { type Benchmark, startApp, startServer, type Table } from '../harness.ts';
import { residentMb } from '../process-tree.ts';
import { QueueClient, question } from '../queue-client.ts';
import { median } from '../rounds.ts';

const REQUESTS = 10_000;
const SAMPLE = 1_000;
const AT_ONCE = 16;
const METHODS = { submit: 'POST', poll: 'GET', cancel: 'DELETE' } as const;
type Step = keyof typeof METHODS;

/**
 * 10,000 requests submitted, polled and cancelled: what each costs at the beginning and at the
 * end, and the memory after.
 */
export const queue: Benchmark = { name: 'queue', run };

async function run(): Promise<Table> {
  const model = await startServer(['bench/peers/model-server.ts', '{port}'], '/count');
  const ours = await startApp({
    MODEL_PROVIDER: 'ollama',
    OLLAMA_API_URL: model.url,
    RATE_LIMIT_CHAT: '0',
    QUEUE_MAX_SIZE: String(2 * REQUESTS),
    LOG_LEVEL: 'warn',
  });
  const url = `${ours.url}/api/chat-queue`;
  const client = new QueueClient(AT_ONCE);
  // One response that never ends within the run holds the only slot, so that all others wait.
  await client.send(url, 'POST', question('words-100000-1000', 'hold'));
  const memory: number[] = [residentMb(ours.pid)];
  const times: Record<Step, number[]> = { submit: [], poll: [], cancel: [] };
  for (let round = 0; round < 3; round++) {
    const ids: string[] = [];
    times.submit.push(
      ...(await inTurn(async (index) => {
        const body = question('words-1-0', `round ${round}, ${index}`);
        ids.push((await client.send(url, 'POST', body)).request_id);
      })),
    );
    times.poll.push(...(await inTurn((index) => client.send(`${url}?requestId=${ids[index]}`, 'GET'))));
    times.cancel.push(...(await inTurn((index) => client.send(`${url}?requestId=${ids[index]}`, 'DELETE'))));
    memory.push(residentMb(ours.pid));
  }
  const { queue_length: left } = await client.send(url, 'GET');
  await ours.stop();
  await model.stop();
  const growth = (memory.at(-1) ?? Number.NaN) - (memory[1] ?? Number.NaN);
  const ratios = (Object.keys(METHODS) as Step[]).map((step) => {
    const starts = times[step].filter((_, index) => index % 2 === 0);
    const ends = times[step].filter((_, index) => index % 2 === 1);
    return { step, start: median(starts), end: median(ends) };
  });
  const worst = Math.max(...ratios.map(({ start, end }) => end / start));
  return {
    title: `Queue: ${REQUESTS} submits, polls and cancels`,
    method: `All wait behind one answer that does not end; ${AT_ONCE} connections; three rounds. Time per request over the first and the last ${SAMPLE} of each step. Memory of the server process before, and after each round.`,
    columns: ['', `first ${SAMPLE} (ms)`, `last ${SAMPLE} (ms)`, 'ratio'],
    rows: ratios.map(({ step, start, end }) => [step, start.toFixed(3), end.toFixed(3), (end / start).toFixed(2)]),
    verdicts: [
      {
        goal: 'no step costs twice as much at ten times the length (O(log n))',
        result: `${worst.toFixed(2)} ×`,
        met: worst < 2,
      },
      { goal: 'all were cancelled', result: `${left} left`, met: left === 0 },
      { goal: 'memory flat', result: `${memory.map((mb) => mb.toFixed(0)).join(' → ')} MB`, met: growth <= 30 },
    ],
  };
}

/**
 * Runs `step` for every request, a few at a time; the time per request over the first and the last
 * of them.
 */
async function inTurn(step: (index: number) => Promise<void>): Promise<[first: number, last: number]> {
  const marks: number[] = [performance.now()];
  for (let index = 0; index < REQUESTS; index += AT_ONCE) {
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, REQUESTS - index) }, (_, offset) => step(index + offset)));
    marks.push(performance.now());
  }
  const batches = Math.ceil(SAMPLE / AT_ONCE);
  const at = (index: number) => marks.at(index) ?? Number.NaN;
  return [(at(batches) - at(0)) / SAMPLE, (at(-1) - at(-1 - batches)) / SAMPLE];
}
