import { expect, vi } from 'vitest';
import { ensurePythonClients } from '../../scripts/python-clients.ts';
import { type FaultyModelServer, ollama, openai, type Script, startFaultyModelServer } from './faulty-model-server.ts';
import { NO_PROGRAMS, type RunningApp, startApp } from './running-app.ts';

/**
 * The official Python SDKs in front of a running app. test/python has what they do; a scenario
 * returns what the SDK showed to its caller.
 */

const clients = await ensurePythonClients({ log: (line) => process.stderr.write(`${line}\n`) });
export const MISSING = 'missing' in clients ? clients.missing : undefined;
export const PYTHON = 'python' in clients ? clients.python : '';
export const KEY = 'a-key-of-the-tests-1';
export const CITY = { name: 'Bern', population: 134_794 };
export const CALL = { name: 'weather', arguments: { city: 'Bern' } };

/** No two requests are the same, so that none is served from the cache by accident. */
let asked = 0;
export const content = () => `question ${asked++}`;

export interface Stage {
  model: FaultyModelServer;
  app: RunningApp;
  /** Asks for a key, and takes few requests a minute of each. */
  guarded: RunningApp;
}

export async function startStage(settings: (model: FaultyModelServer) => Record<string, string>): Promise<Stage> {
  const model = await startFaultyModelServer();
  const common = { UPSTREAM_RETRIES: '0', DISCONNECT_GRACE_MS: '50', LOG_LEVEL: 'warn', ...settings(model) };
  const [app, guarded] = await Promise.all([
    startApp('server', { ...NO_PROGRAMS, ...common, QUEUE_MAX_CONCURRENT: '4' }),
    startApp('server', { ...NO_PROGRAMS, ...common, API_KEYS: KEY, RATE_LIMIT_CHAT: '1' }),
  ]);
  return { model, app, guarded };
}

export async function stop({ model, app, guarded }: Stage): Promise<void> {
  await Promise.all([app.stop(), guarded.stop()]);
  await model.close();
}

export async function upstreamEnds(model: FaultyModelServer, before: number): Promise<void> {
  await vi.waitFor(() => expect(model.running).toBe(0), { timeout: 15_000, interval: 20 });
  expect(model.requests.length).toBe(before + 1);
  expect(await model.requests[before]?.over).toBe(false);
}

export const openAiText = (...texts: string[]): Script => [
  ...texts.map((text) => ({ send: openai.text(text) })),
  { send: openai.finish() },
  { send: openai.usage() },
  { send: openai.done() },
];
export const event = (value: object) => `data: ${JSON.stringify(value)}\n\n`;
export const openAiCall: Script = [
  {
    send: event({
      choices: [
        {
          index: 0,
          delta: {
            tool_calls: [
              { index: 0, id: 'c1', type: 'function', function: { name: 'weather', arguments: '{"city":"Bern"}' } },
            ],
          },
          finish_reason: null,
        },
      ],
    }),
  },
  { send: openai.finish('tool_calls') },
  { send: openai.usage() },
  { send: openai.done() },
];
export const ollamaText = (...texts: string[]): Script => [
  ...texts.map((text) => ({ send: ollama.text(text) })),
  { send: ollama.done() },
];
export const ollamaCall: Script = [
  {
    send: `${JSON.stringify({ message: { role: 'assistant', content: '', tool_calls: [{ function: CALL }] }, done: false })}\n`,
  },
  { send: ollama.done() },
];
/** The first response is a call, those after a tool's result are text. */
export const roundOfTools = (call: Script, text: Script) => (body: unknown) =>
  JSON.stringify(body).includes('"tool"') ? text : call;
