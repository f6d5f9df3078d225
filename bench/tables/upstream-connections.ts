import { postJson } from '../cached.ts';
import { type Benchmark, startApp, startServer, type Table } from '../harness.ts';
import { chosenRows } from '../options.ts';

const RESPONSES = 1_000;
const MAX_CONNECTIONS = 2;
const PROVIDERS = [
  {
    provider: 'Ollama',
    path: '/api/chat-optimized',
    env: (url: string) => ({ MODEL_PROVIDER: 'ollama', OLLAMA_API_URL: url }),
  },
  {
    provider: 'OpenAI',
    path: '/v1/chat/completions',
    env: (url: string) => ({ MODEL_PROVIDER: 'openai', OPENAI_BASE_URL: `${url}/v1` }),
  },
];
const ROWS = PROVIDERS.flatMap((provider) =>
  [1, 40, 4_000].map((words) => ({ ...provider, words, name: `${provider.provider}, ${words} words` })),
);

/** Whether the connections to the model server are used again, whatever a response's length. */
export const upstreamConnections: Benchmark = { name: 'upstream-connections', run };

async function run(): Promise<Table> {
  const results: { name: string; opened: number; msEach: number }[] = [];
  for (const { name, path, env, words } of chosenRows(ROWS)) {
    const model = await startServer(['bench/peers/paced-model-server.ts', '{port}'], '/count');
    const ours = await startApp({ ...env(model.url), RATE_LIMIT_CHAT: '0', LOG_LEVEL: 'warn' });
    const started = performance.now();
    for (let count = 0; count < RESPONSES; count++) {
      const messages = [{ role: 'user', content: `Question ${count}` }];
      const body = JSON.stringify({ model: `words-${words}-0`, messages, stream: true });
      const response = await postJson(ours.url + path, body);
      const text = await response.text();
      if (!response.ok || !text.includes(`word${words} `))
        throw new Error(`${name}: not the whole answer: ${text.slice(-400)}`);
    }
    const msEach = (performance.now() - started) / RESPONSES;
    const { began, connections } = await (await fetch(`${model.url}/count`)).json();
    if (began !== RESPONSES) throw new Error(`${name}: the model server was asked ${began} times`);
    results.push({ name, opened: connections, msEach });
    await ours.stop();
    await model.stop();
  }
  return {
    title: `Connections to the model server for ${RESPONSES} answers one after another`,
    method: `Questions that differ, asked one after another; the model server counts the connections that carried an answer. A new process for each row.`,
    columns: ['', 'connections', 'ms an answer'],
    rows: results.map(({ name, opened, msEach }) => [name, String(opened), msEach.toFixed(2)]),
    verdicts: results.map(({ name, opened }) => ({
      goal: `${name}: ≤ ${MAX_CONNECTIONS}`,
      result: String(opened),
      met: opened <= MAX_CONNECTIONS,
    })),
  };
}
