import { type Benchmark, startApp, startServer, type Table } from '../harness.ts';
import { rounds } from '../options.ts';
import { median } from '../rounds.ts';
import { readStream } from '../stream-client.ts';

const ROUNDS = 3;
const CALLERS = 1_000;
const MODEL = 'words-100-10';

/**
 * Many identical requests at once: one call of the model, and no caller waits noticeably longer
 * than one alone.
 */
export const coalescing: Benchmark = { name: 'coalescing', run };

async function run(): Promise<Table> {
  const model = await startServer(['bench/peers/model-server.ts', '{port}'], '/count');
  const ours = await startApp({
    MODEL_PROVIDER: 'ollama',
    OLLAMA_API_URL: model.url,
    RATE_LIMIT_CHAT: '0',
  });
  const url = `${ours.url}/api/chat-optimized`;
  let asked = 0;
  const question = () => ({ model: MODEL, messages: [{ role: 'user', content: `question ${asked++}` }] });
  const alone: number[] = [];
  const together: number[] = [];
  const calls: number[] = [];
  for (let round = -1; round < rounds(ROUNDS); round++) {
    const { totalMs } = await readStream(url, question());
    const before = await count(model.url);
    const same = question();
    const started = performance.now();
    const all = await Promise.all(Array.from({ length: CALLERS }, () => readStream(url, same)));
    const lastMs = performance.now() - started;
    if (all.some(({ words }) => words !== 100)) throw new Error('a caller did not get the whole answer');
    if (round < 0) continue;
    alone.push(totalMs);
    together.push(lastMs);
    calls.push((await count(model.url)) - before);
  }
  await ours.stop();
  await model.stop();
  const ratio = median(together.map((ms, round) => ms / (alone[round] ?? Number.NaN)));
  const most = Math.max(...calls);
  return {
    title: `Coalescing: ${CALLERS} identical requests at once`,
    method: `An answer of 100 tokens, one every 10 ms, streamed to one caller alone and then, for another question, to ${CALLERS} at once; ${rounds(ROUNDS)} rounds after one to warm up.`,
    columns: ['', 'last caller done (ms)', 'of one alone', 'calls of the model'],
    rows: [
      ['one alone (limit)', median(alone).toFixed(0), '100 %', '1'],
      [`${CALLERS} at once`, median(together).toFixed(0), `${(ratio * 100).toFixed(0)} %`, String(most)],
    ],
    verdicts: [
      { goal: '1 upstream call', result: String(most), met: most === 1 },
      { goal: 'the last caller is done ≤ 1.1 × after one alone', result: `${ratio.toFixed(2)} ×`, met: ratio <= 1.1 },
    ],
  };
}

async function count(url: string): Promise<number> {
  const { began } = await (await fetch(`${url}/count`)).json();
  return began;
}
