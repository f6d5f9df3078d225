import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type FaultyModelServer, ollama, startFaultyModelServer } from '../support/faulty-model-server.ts';
import { INSTANCES, needsOneServer } from '../support/instances.ts';
import { NO_PROGRAMS, type RunningApp, startApp } from '../support/running-app.ts';

/** Whole servers that are restarted on one database: what is still there, and what runs again. */
const apps: RunningApp[] = [];
let model: FaultyModelServer;
let folder: string;

beforeEach(async () => {
  model = await startFaultyModelServer();
  folder = await mkdtemp(join(tmpdir(), 'persistence-'));
});

afterEach(async () => {
  await Promise.all(apps.splice(0).map((app) => app.stop(2_000)));
  await model.close();
  await rm(folder, { recursive: true, force: true });
});

async function start(env: Record<string, string> = {}): Promise<RunningApp> {
  const app = await startApp('server', {
    ...NO_PROGRAMS,
    MODEL_PROVIDER: 'ollama',
    OLLAMA_API_URL: model.url,
    OLLAMA_MODEL: 'test',
    DATA_DIR: join(folder, 'data'),
    SHUTDOWN_TIMEOUT_MS: '200',
    LOG_LEVEL: 'warn',
    ...env,
  });
  apps.push(app);
  return app;
}

const crash = (app: RunningApp) => app.kill();

const post = (app: RunningApp, path: string, body: object, headers: Record<string, string> = {}) =>
  fetch(app.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
const ask = (app: RunningApp, content: string, fields: object = {}, headers: Record<string, string> = {}) =>
  post(app, '/api/chat-optimized', { messages: [{ role: 'user', content }], ...fields }, headers);
const enqueue = async (app: RunningApp, content: string, headers: Record<string, string> = {}) => {
  const response = await post(app, '/api/chat-queue', { messages: [{ role: 'user', content }] }, headers);
  expect(response.status).toBe(202);
  return await response.json();
};
const entry = async (app: RunningApp, id: string) =>
  await (await fetch(`${app.url}/api/chat-queue?requestId=${id}`)).json();
const persisted = async (app: RunningApp) =>
  (await (await fetch(`${app.url}/api/cache-stats`)).json()).response_cache.persisted;

/** The last message that the model was asked. */
function contentOf(body: unknown): string {
  const { messages } = body as { messages: { content: string }[] };
  return messages.at(-1)?.content ?? '';
}

const eventually = <T>(read: () => T) => expect.poll(read, { timeout: 20_000 });
const asked = () => model.requests.map(({ body }) => contentOf(body));
const says = (text: string) => [{ send: ollama.text(text) }, { send: ollama.done() }];

/** A body without what differs for each request. */
const withoutIds = (text: string) =>
  text
    .replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'id')
    // Ollama's API has the time at which it writes.
    .replace(/"created_at":"[^"]+"/g, '"created_at":"now"');

it.each([
  ['SIGTERM', (app: RunningApp) => app.stop()],
  ['SIGKILL', crash],
])(
  'finds responses again after %s, byte for byte',
  async (_signal, end) => {
    model.choose((body) => [{ send: ollama.thinking('hm ') }, ...says(`to ${contentOf(body)}: "é\u2028😀"\n`)]);
    const first = await start();
    const requests = [
      (app: RunningApp) => ask(app, 'streamed'),
      (app: RunningApp) => ask(app, 'whole', { stream: false }),
      (app: RunningApp) =>
        post(app, '/v1/chat/completions', {
          model: 'test',
          messages: [{ role: 'user', content: 'openai' }],
          temperature: 0,
        }),
      (app: RunningApp) =>
        post(app, '/api/chat', {
          model: 'test',
          messages: [{ role: 'user', content: 'ollama' }],
          options: { seed: 3 },
        }),
    ];
    for (const request of requests) await (await request(first)).text();
    const before = await Promise.all(requests.map(async (request) => await (await request(first)).text()));
    expect(asked()).toEqual(['streamed', 'whole', 'openai', 'ollama']);
    await eventually(async () => (await persisted(first))?.entries).toBe(4);
    await end(first);

    const second = await start();
    await eventually(async () => (await persisted(second))?.entries).toBe(4);
    const after = await Promise.all(
      requests.map(async (request) => {
        const response = await request(second);
        expect(response.headers.get('x-cache')).toBe('hit');
        expect(Number(response.headers.get('age'))).toBeGreaterThanOrEqual(0);
        return await response.text();
      }),
    );
    expect(after.map(withoutIds)).toEqual(before.map(withoutIds));
    expect(model.requests).toHaveLength(4);
    expect(await persisted(second)).toMatchObject({ entries: 4, hits: 4 });

    // Regenerate neither reads it nor leaves the old one.
    model.choose(() => says('another'));
    const again = await ask(second, 'whole', { stream: false }, { 'cache-control': 'no-cache' });
    expect(again.headers.get('x-cache')).toBe('bypass');
    expect((await again.json()).message.content).toBe('another');
    expect((await (await ask(second, 'whole', { stream: false })).json()).message.content).toBe('another');
  },
  60_000,
);

it('keeps embeddings over a restart', async () => {
  model.setResponse('/api/embed', { embeddings: [[0.25, -1e-3]], prompt_eval_count: 2 });
  const embed = async (app: RunningApp) => {
    const response = await post(app, '/v1/embeddings', { model: 'test', input: 'a text' });
    return { cache: response.headers.get('x-cache'), body: await response.json() };
  };
  const first = await start();
  const made = await embed(first);
  expect(made).toMatchObject({ cache: 'miss', body: { data: [{ embedding: [0.25, -1e-3] }] } });
  const stored = async (app: RunningApp) =>
    (await (await fetch(`${app.url}/api/cache-stats`)).json()).embedding_cache.persisted;
  await eventually(async () => (await stored(first))?.entries).toBe(1);
  await first.stop();
  const second = await start();
  await eventually(async () => (await stored(second))?.entries).toBe(1);
  model.setResponse('/api/embed', { error: 'not to be asked' }, 500);
  expect(await embed(second)).toEqual({ cache: 'hit', body: made.body });
}, 60_000);

it('stays cleared after a restart, also of what was not written yet', async () => {
  model.choose((body) => says(contentOf(body)));
  const first = await start();
  await (await ask(first, 'written')).text();
  await eventually(async () => (await persisted(first))?.entries).toBe(1);
  await (await ask(first, 'not written yet')).text();
  const cleared = await post(first, '/api/cache-stats', { action: 'clear_response_cache' });
  // Of several servers, those in the memory of one are counted.
  const message = INSTANCES === 1 ? '2 entries cleared.' : expect.stringMatching(/entr(?:y|ies) cleared\.$/);
  expect(await cleared.json()).toMatchObject({ success: true, message });
  await crash(first);
  const second = await start();
  await eventually(async () => await persisted(second)).toEqual({ entries: 0, size_mb: 0, hits: 0 });
  for (const content of ['written', 'not written yet'])
    expect((await ask(second, content)).headers.get('x-cache')).toBe('miss');
  await eventually(() => rowsOf('chat_cache')).toBe(2);
}, 60_000);

it('writes no response with CACHE_PERSIST=false, and deletes those from before', async () => {
  needsOneServer('several have them in Redis, too, which the setting is not about');
  model.choose((body) => says(contentOf(body)));
  const off = { CACHE_PERSIST: 'false' };
  const first = await start(off);
  await (await ask(first, 'one')).text();
  expect((await ask(first, 'one')).headers.get('x-cache')).toBe('hit');
  expect(await persisted(first)).toBeUndefined();
  // Not before the database is there.
  await eventually(() => rowsOf('chat_requests')).toBe(0);
  await first.stop();
  expect([rowsOf('chat_cache'), rowsOf('chat_cache_epoch')]).toEqual([0, 0]);

  const second = await start();
  await (await ask(second, 'one')).text();
  await eventually(async () => (await persisted(second))?.entries).toBe(1);
  await second.stop();
  const third = await start(off);
  await eventually(() => rowsOf('chat_cache')).toBe(0);
  expect((await ask(third, 'one')).headers.get('x-cache')).toBe('miss');
}, 60_000);

it('completes 50 waiting requests after a restart in their order, none twice', async () => {
  needsOneServer('what a shared queue has goes on, or is lost with its text');
  model.choose(() => [{ send: ollama.text('half') }, 'hang']);
  const first = await start();
  const names = Array.from({ length: 51 }, (_, index) => `request ${index}`);
  const ids: string[] = [];
  for (const name of names) {
    const { request_id: id, saved } = await enqueue(first, name, { 'idempotency-key': name });
    expect(saved).toBeUndefined();
    ids.push(id);
  }
  const [running = '', waiting = '', cancelled = ''] = ids;
  await fetch(`${first.url}/api/chat-queue?requestId=${cancelled}`, { method: 'DELETE' });
  const watched = await eventsOf(first, running);
  await watched.until('half');
  const alsoWatched = await eventsOf(first, waiting);
  await alsoWatched.until('queue_position');
  const stopped = first.stop();
  for (const stream of [watched, alsoWatched]) {
    const text = await stream.rest();
    expect(text).toContain('"restarting":true');
    expect(text).not.toContain('"done":true');
  }
  expect(await stopped).toBe(0);
  expect(asked()).toEqual(['request 0']);

  const { promise: go, resolve } = Promise.withResolvers<void>();
  model.choose((body) => [{ wait: go }, ...says(`done: ${contentOf(body)}`)]);
  const second = await start();
  expect(await entry(second, running)).toMatchObject({ request_id: running, completed: false });
  expect(await entry(second, cancelled)).toMatchObject({ status: 'cancelled', code: 'cancelled' });
  // A retry of the client gets the request of before.
  expect((await enqueue(second, 'request 7', { 'idempotency-key': 'request 7' })).request_id).toBe(ids[7]);
  const lastId = /id: (\d+)\nevent: content/.exec(watched.text())?.[1] ?? '';
  const resumed = await eventsOf(second, running, lastId);
  await resumed.until('"restarted":true');
  resolve();
  await resumed.until('done: request 0');
  const text = await resumed.rest();
  expect(text).not.toContain('half');
  const numbers = [...text.matchAll(/^id: (\d+)$/gm)].map(([, number]) => Number(number));
  // The first event says that the text before is void: a reader cut off behind it begins again.
  expect(numbers.shift()).toBe(0);
  expect(numbers[0]).toBeGreaterThan(Number(lastId));
  expect(numbers).toEqual([...numbers].sort((one, other) => one - other));

  for (const [index, id] of ids.entries()) {
    if (id === cancelled) continue;
    await eventually(async () => await entry(second, id)).toMatchObject({
      status: 'completed',
      cached: false,
      message: { content: `done: request ${index}` },
    });
  }
  const expected = names.filter((name) => name !== 'request 2');
  expect(asked()).toEqual(['request 0', ...expected]);
  await second.stop();

  // Their results are kept, too.
  const third = await start();
  expect(await entry(third, waiting)).toMatchObject({ status: 'completed', message: { content: 'done: request 1' } });
  const last = numbers.at(-1) ?? 0;
  const atEnd = { accept: 'text/event-stream', 'last-event-id': String(last) };
  expect((await fetch(`${third.url}/api/chat-queue?requestId=${running}`, { headers: atEnd })).status).toBe(204);
  const replayed = await eventsOf(third, running, String(last - 1));
  expect(await replayed.rest()).toMatch(/"restarted":true.*done: request 0.*"done":true/s);
  expect(model.requests).toHaveLength(51);
}, 120_000);

it('runs after a crash what was not done, and nothing twice that was', async () => {
  needsOneServer('what a shared queue has goes on, or is lost with its text');
  model.choose((body) =>
    contentOf(body) === 'runs' ? [{ send: ollama.text('half') }, 'hang'] : says(contentOf(body)),
  );
  const first = await start();
  const done = await enqueue(first, 'is done');
  await eventually(async () => (await entry(first, done.request_id)).status).toBe('completed');
  const hit = await enqueue(first, 'is done');
  expect(hit).toMatchObject({ completed: true, cached: true });
  const rest = [await enqueue(first, 'runs')];
  for (let index = 0; index < 20; index++) rest.push(await enqueue(first, `waits ${index}`));
  await eventually(() => rowsOf('chat_requests where finished_at is not null')).toBe(2);
  await crash(first);

  model.choose((body) => says(`again ${contentOf(body)}`));
  const second = await start();
  expect(await entry(second, done.request_id)).toMatchObject({ status: 'completed', message: { content: 'is done' } });
  expect(await entry(second, hit.request_id)).toMatchObject({ status: 'completed', cached: true });
  for (const { request_id: id } of rest)
    await eventually(async () => (await entry(second, id)).status).toBe('completed');
  expect(await entry(second, rest[0].request_id)).toMatchObject({ message: { content: 'again runs' } });
  const counts = Map.groupBy(asked(), (content) => content);
  expect([...counts].filter(([, calls]) => calls.length > 1).map(([content]) => content)).toEqual(['runs']);
  expect(counts.size).toBe(22);
}, 120_000);

it('goes on with background responses, and keeps them to be read', async () => {
  needsOneServer('what a shared queue has goes on, or is lost with its text');
  model.choose(() => [{ send: ollama.text('half') }, 'hang']);
  const first = await start();
  const create = async (input: string) => {
    const response = await post(first, '/v1/responses', { model: 'test', input, background: true, instructions: 'x' });
    expect(response.status).toBe(200);
    return (await response.json()).id as string;
  };
  const running = await create('runs');
  const waiting = await create('waits');
  await crash(first);
  model.choose((body) => says(`to ${contentOf(body)}`));
  const read = async (app: RunningApp, id: string) => await (await fetch(`${app.url}/v1/responses/${id}`)).json();
  const second = await start();
  for (const [id, text] of [
    [running, 'to runs'],
    [waiting, 'to waits'],
  ] as const) {
    await eventually(async () => (await read(second, id)).status).toBe('completed');
    const response = await read(second, id);
    expect(response).toMatchObject({ id, background: true, instructions: 'x', model: 'test' });
    expect(response.output.at(-1).content[0].text).toBe(text);
    const items = await (await fetch(`${second.url}/v1/responses/${id}/input_items`)).json();
    expect(items.data).toHaveLength(1);
  }
  await second.stop();
  const third = await start();
  expect((await read(third, waiting)).output.at(-1).content[0].text).toBe('to waits');
  const numbered = await fetch(`${third.url}/v1/responses/${waiting}?stream=true&starting_after=2`);
  expect(numbered.status).toBe(400);
  expect(asked().filter((content) => content === 'waits')).toHaveLength(1);
}, 60_000);

it('waits for a model server that starts later', async () => {
  model.choose(() => ['hang']);
  const first = await start();
  const { request_id: id } = await enqueue(first, 'patient');
  await crash(first);
  const second = await start({ OLLAMA_API_URL: 'http://127.0.0.1:9', UPSTREAM_RETRIES: '0' });
  await eventually(async () => (await entry(second, id)).status).toBe('queued');
  await crash(second);
  model.choose(() => says('at last'));
  const third = await start();
  await eventually(async () => (await entry(third, id)).message?.content).toBe('at last');
}, 60_000);

it('accepts requests without a database, and says that they are not saved', async () => {
  needsOneServer('several save them in Redis');
  const file = join(folder, 'no-folder');
  await writeFile(file, '');
  model.choose((body) => says(contentOf(body)));
  const app = await start({ DATA_DIR: join(file, 'data') });
  const accepted = await enqueue(app, 'unsaved');
  expect(accepted).toMatchObject({ saved: false });
  await eventually(async () => (await entry(app, accepted.request_id)).status).toBe('completed');
  expect((await ask(app, 'unsaved')).headers.get('x-cache')).toBe('hit');
  const cleared = await (await post(app, '/api/cache-stats', { action: 'clear_response_cache' })).json();
  expect(cleared.message).toMatch(/^1 entry cleared\. The copy in the database cannot be cleared/);
}, 60_000);

function rowsOf(table: string): number {
  const database = new DatabaseSync(join(folder, 'data', 'chill-space.db'), { readOnly: true });
  try {
    return Number(database.prepare(`select count(*) as rows from ${table}`).get()?.rows);
  } finally {
    database.close();
  }
}

/** The stream of a request of the queue, read as far as it is asked to. */
async function eventsOf(app: RunningApp, id: string, lastEventId?: string) {
  const headers = {
    accept: 'text/event-stream',
    ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
  };
  const response = await fetch(`${app.url}/api/chat-queue?requestId=${id}`, { headers });
  expect(response.status).toBe(200);
  const chunks = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  if (chunks === undefined) throw new Error('no body');
  let text = '';
  const more = async () => {
    const { done, value = '' } = await chunks.read();
    text += value;
    return !done;
  };
  return {
    text: () => text,
    async until(part: string) {
      while (!text.includes(part)) if (!(await more())) throw new Error(`it ended without ${part}:\n${text}`);
    },
    async rest() {
      while (await more());
      return text;
    },
  };
}
