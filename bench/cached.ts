/** Cached responses: how the cache is filled, and the bare server that they are held against. */
import { type RunningServer, scratchFile, startApp, startServer } from './harness.ts';

/** A scripted model server, and the app in front of it without a limit of requests. */
export async function startAppWithModel(
  env: Readonly<Record<string, string>> = {},
): Promise<{ ours: RunningServer; model: RunningServer; stop: () => Promise<void> }> {
  const model = await startServer(['bench/peers/paced-model-server.ts', '{port}'], '/count');
  const ours = await startApp({
    MODEL_PROVIDER: 'ollama',
    OLLAMA_API_URL: model.url,
    RATE_LIMIT_CHAT: '0',
    QUEUE_MAX_CONCURRENT: '64',
    LOG_LEVEL: 'warn',
    ...env,
  });
  const stop = async () => {
    await ours.stop();
    await model.stop();
  };
  return { ours, model, stop };
}

export interface ChatBody {
  /** The API's, whose name for the sampling the body has. */
  path: string;
  model: string;
  stream: boolean;
}

/** One chat request a question. With random sampling, APIs of SDKs would not read the cache. */
export function chatBodies(count: number, { path, model, stream }: ChatBody): string[] {
  return Array.from({ length: count }, (_, index) => {
    const messages = [{ role: 'user', content: `Question ${index}: say hello.` }];
    return JSON.stringify({ model, messages, ...deterministic(path), stream });
  });
}

/** The field of a chat request that makes its response repeatable. */
export function deterministic(path: string): object {
  return path.startsWith('/v1/') ? { temperature: 0 } : { options: { temperature: 0 } };
}

/** The same for OpenAI's Responses. */
export function responsesBodies(count: number, { model, stream }: { model: string; stream: boolean }): string[] {
  return Array.from({ length: count }, (_, index) =>
    JSON.stringify({ model, input: `Question ${index}: say hello.`, temperature: 0, stream }),
  );
}

type Headers = Readonly<Record<string, string>>;

export function postJson(url: string, body: string, headers: Headers = {}): Promise<Response> {
  return fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body });
}

const AT_ONCE = 16;

/** Asks each question once, so that all responses are cached. Resolves to one from the cache. */
export async function fillCache(url: string, bodies: readonly string[], headers: Headers = {}): Promise<Response> {
  for (let from = 0; from < bodies.length; from += AT_ONCE)
    await Promise.all(
      bodies.slice(from, from + AT_ONCE).map(async (body) => (await checked(url, body, headers)).text()),
    );
  const again = await checked(url, bodies[0] ?? '', headers);
  if (again.headers.get('x-cache') !== 'hit') throw new Error(`${url} did not answer from the cache`);
  return again;
}

async function checked(url: string, body: string, headers: Headers): Promise<Response> {
  const response = await postJson(url, body, headers);
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
  return response;
}

/** A bare node:http server that parses the same body and returns the same bytes as `response`. */
export async function startBare(response: Response): Promise<RunningServer> {
  const bytes = scratchFile('response', new Uint8Array(await response.arrayBuffer()));
  const type = response.headers.get('content-type') ?? 'application/json';
  return await startServer(['bench/peers/bare-http.ts', '{port}', bytes, type], '/missing');
}
