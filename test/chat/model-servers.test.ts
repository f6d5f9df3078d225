import { afterEach, expect, it } from 'vitest';
import { type FaultyModelServer, ollama, openai, startFaultyModelServer } from '../support/faulty-model-server.ts';
import { INSTANCES, needsOneServer } from '../support/instances.ts';
import { NO_PROGRAMS, type RunningApp, startApp } from '../support/running-app.ts';
import { sendJson, startScriptedModelServer } from '../support/scripted-model-server.ts';

/** A running app in front of several scripted model servers, over real sockets. */
const apps: RunningApp[] = [];
const servers: FaultyModelServer[] = [];

afterEach(async () => {
  await Promise.all(apps.splice(0).map((app) => app.stop(2_000)));
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

/** A model server whose responses the test lets through one by one. */
interface HeldServer {
  readonly model: FaultyModelServer;
  readonly name: string;
  /** Responses that it gave. */
  served: number;
  /** Lets the oldest response through that is held; resolves when it is over. */
  release(): Promise<void>;
  close(): Promise<void>;
}

async function held(name: string, port = 0): Promise<HeldServer> {
  const model = await startFaultyModelServer(port);
  servers.push(model);
  const gates: (() => void)[] = [];
  model.choose(() => {
    const gate = Promise.withResolvers<void>();
    gates.push(gate.resolve);
    return [{ wait: gate.promise }, { send: ollama.text(`from ${name}`) }, { send: ollama.done() }];
  });
  const server: HeldServer = {
    model,
    name,
    served: 0,
    async release() {
      await expect.poll(() => gates.length, { interval: 1, timeout: 10_000 }).toBeGreaterThan(0);
      const seen = model.requests.length - gates.length;
      gates.shift()?.();
      await model.requests[seen]?.over;
      server.served += 1;
    },
    async close() {
      servers.splice(servers.indexOf(model), 1);
      gates.length = 0;
      await model.close();
    },
  };
  return server;
}

/** A model server that responds at once. */
async function quick(name: string): Promise<FaultyModelServer> {
  const model = await startFaultyModelServer();
  servers.push(model);
  model.play([{ send: ollama.text(`from ${name}`) }, { send: ollama.done() }]);
  return model;
}

async function start(env: Record<string, string>): Promise<RunningApp> {
  const app = await startApp('server', {
    ...NO_PROGRAMS,
    MODEL_PROVIDER: 'auto',
    OLLAMA_MODEL: 'test',
    LOG_LEVEL: 'info',
    CACHE_ENABLED: 'false',
    ...env,
  });
  apps.push(app);
  return app;
}

const listOf = (all: { name: string; url: string; fragment?: string }[]) =>
  all.map(({ name, url, fragment = '' }) => `${url}#name=${name}${fragment}`).join(',');

async function json(url: string, init?: RequestInit) {
  const response = await fetch(url, init);
  return { status: response.status, headers: response.headers, body: await response.json() };
}

function post(app: RunningApp, path: string, body: object) {
  return json(app.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

const ask = (app: RunningApp, content: string, fields: object = {}) =>
  post(app, '/api/chat-optimized', { messages: [{ role: 'user', content }], stream: false, ...fields });
const enqueue = async (app: RunningApp, content: string) =>
  (await post(app, '/api/chat-queue', { messages: [{ role: 'user', content }] })).body.request_id;
const statusOf = async (app: RunningApp, id: string) => (await json(`${app.url}/api/chat-queue?requestId=${id}`)).body;
const statsOf = async (app: RunningApp) => (await json(`${app.url}/api/cache-stats`)).body.model_servers;

/** Resolves when no server is known to have work: one that has is not chosen. */
async function isIdle(app: RunningApp): Promise<void> {
  for (let server = 0; server < INSTANCES; server++)
    await expect
      .poll(async () => (await statsOf(app)).map(({ running }: { running: number }) => running))
      .toEqual([0, 0]);
}

it('keeps three servers of different speeds busy until the work is done', { timeout: 60_000 }, async () => {
  needsOneServer('what waits in a shared line does not move to a model server that is free');
  const [fast, medium, slow] = await Promise.all([held('fast'), held('medium'), held('slow')]);
  const all = [fast, medium, slow];
  const addresses = all.map(({ name, model }) => ({ name, url: model.url }));
  const app = await start({ OLLAMA_API_URL: listOf(addresses), QUEUE_MAX_SIZE: '200' });
  const rounds = 12;
  const perRound = [4, 2, 1];
  // Four rounds more than are done: the fast server has to take requests from the others.
  const work = 7 * (rounds + 4);
  const ids = await Promise.all(Array.from({ length: work }, (_, index) => enqueue(app, `question ${index}`)));
  // In a round, the servers respond as often as their speed allows, if they have work.
  for (let round = 0; round < rounds; round++)
    for (const [index, server] of all.entries())
      for (let count = 0; count < (perRound[index] ?? 0); count++) await server.release();
  expect(all.map(({ served }) => served)).toEqual(perRound.map((count) => count * rounds));
  expect(fast.served).toBeGreaterThan(work / 3);
  const states = await Promise.all(ids.map(async (id) => (await statusOf(app, id)).status));
  expect(states.filter((status) => status === 'completed')).toHaveLength(7 * rounds);
  expect(states).not.toContain('failed');
});

it('loses no request when a server is killed under load, and reports it', { timeout: 60_000 }, async () => {
  const [a, b, c] = await Promise.all([held('a'), held('b'), held('c')]);
  const addresses = [a, b, c].map(({ name, model }) => ({ name, url: model.url }));
  const app = await start({ OLLAMA_API_URL: listOf(addresses), QUEUE_ESTIMATED_TIME_PER_REQUEST_MS: '50' });
  const ids = await Promise.all(Array.from({ length: 12 }, (_, index) => enqueue(app, `question ${index}`)));
  await expect.poll(() => [a, b, c].map(({ model }) => model.running), { interval: 5 }).toEqual([1, 1, 1]);
  const { port } = new URL(c.model.url);
  await c.close();
  await expect.poll(async () => (await statsOf(app))[2].state, { interval: 50, timeout: 20_000 }).toBe('down');
  const ready = await json(`${app.url}/api/ready`);
  expect([ready.status, ready.body.parts.model]).toEqual([
    200,
    { state: 'up', detail: '1 of 3 model servers is down.' },
  ]);
  await expect
    .poll(async () => (await statsOf(app))[2])
    .toMatchObject({ name: 'c', error: expect.stringContaining('not answering') });
  let isDone = false;
  const releasing = [a, b].map(async ({ release }) => {
    while (!isDone) await Promise.race([release().catch(() => {}), new Promise((next) => setTimeout(next, 50))]);
  });
  await expect
    .poll(async () => (await Promise.all(ids.map((id) => statusOf(app, id)))).map(({ status }) => status), {
      interval: 100,
      timeout: 30_000,
    })
    .toEqual(ids.map(() => 'completed'));
  isDone = true;
  await Promise.all(releasing);
  // Nothing has to be asked for it to be up again.
  await held('c', Number(port));
  await expect.poll(async () => (await statsOf(app))[2].state, { interval: 50, timeout: 20_000 }).toBe('up');
  expect((await json(`${app.url}/api/ready`)).body.parts.model).toEqual({ state: 'up' });
});

it('asks the server that has the model loaded, and names it', async () => {
  const [cold, warm] = await Promise.all([quick('cold'), quick('warm')]);
  warm.setResponse('/api/ps', { models: [{ name: 'test:latest' }] });
  const app = await start({
    OLLAMA_API_URL: listOf([
      { name: 'cold', url: cold.url },
      { name: 'warm', url: warm.url },
    ]),
  });
  for (const text of ['one', 'two', 'three']) {
    const { headers, body } = await ask(app, text);
    expect([headers.get('x-model-server'), body.message.content]).toEqual(['warm', 'from warm']);
    await isIdle(app);
  }
  expect([cold.requests.length, warm.requests.length]).toEqual([0, 3]);
  const stream = await fetch(`${app.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'test', stream: true, messages: [{ role: 'user', content: 'four' }] }),
  });
  expect(stream.headers.get('x-model-server')).toBe('warm');
  expect(await stream.text()).toContain('from warm');
  const { models } = (await json(`${app.url}/api/models`)).body;
  expect(models).toMatchObject([{ id: 'test:latest', servers: ['cold', 'warm'], loaded: true }]);
  await expect
    .poll(() => statsOf(app))
    .toMatchObject([
      { name: 'cold', provider: 'ollama', address: cold.url, state: 'up', running: 0, loaded: [], average_ms: null },
      { name: 'warm', models: 1, loaded: ['test:latest'], average_ms: expect.any(Number) },
    ]);
  // Each server counts for itself.
  const completed = /^chill_space_model_server_requests_total\{model_server="warm",outcome="completed"\} (\d+)$/m;
  let sum = 0;
  for (let server = 0; server < INSTANCES; server++)
    sum += Number(completed.exec(await (await fetch(`${app.url}/api/metrics`)).text())?.[1] ?? 0);
  expect(sum).toBe(4);
  await expect.poll(() => app.output()).toContain('"model_server":"warm"');
});

it('has positions, estimates and cancelling across its lines', async () => {
  const [a, b] = await Promise.all([held('a'), held('b')]);
  const app = await start({ OLLAMA_API_URL: listOf([a, b].map(({ name, model }) => ({ name, url: model.url }))) });
  const ids: string[] = [];
  for (let index = 0; index < 6; index++) ids.push(await enqueue(app, `question ${index}`));
  const positions = async () => Promise.all(ids.map(async (id) => (await statusOf(app, id)).queue_position));
  expect(await positions()).toEqual([0, 0, 1, 1, 2, 2]);
  const overview = (await json(`${app.url}/api/chat-queue`)).body;
  expect(overview).toMatchObject({ queue_length: 4, max_concurrent: 2 });
  expect(overview.pending.map(({ model_server }: { model_server: string }) => model_server).toSorted()).toEqual([
    ...['a', 'a', 'b', 'b'],
  ]);
  for (const id of ids.slice(2, 4)) {
    const { status } = await json(`${app.url}/api/chat-queue?requestId=${id}`, { method: 'DELETE' });
    expect(status).toBe(200);
  }
  expect((await positions()).slice(4)).toEqual([1, 1]);
  // A running one is cancelled on its own server, whose next request begins.
  const [first] = ids;
  await json(`${app.url}/api/chat-queue?requestId=${first}`, { method: 'DELETE' });
  await expect.poll(async () => (await json(`${app.url}/api/chat-queue`)).body.queue_length).toBe(1);
  await expect.poll(() => a.model.running + b.model.running).toBe(2);
});

it('serves aliases on every surface, and falls back before the first token', { timeout: 30_000 }, async () => {
  const [local, hosted] = await Promise.all([startFaultyModelServer(), startFaultyModelServer()]);
  servers.push(local, hosted);
  hosted.setResponse('/v1/models', { object: 'list', data: [{ id: 'gpt', object: 'model' }] });
  hosted.play([{ send: openai.text('from the API') }, { send: openai.finish() }, { send: openai.done() }]);
  local.play([{ status: 500 }, { send: '{"error":"out of memory"}' }]);
  const app = await start({
    OLLAMA_API_URL: `${local.url}#name=gpu-a`,
    OPENAI_BASE_URL: `${hosted.url}/v1#name=api`,
    OPENAI_API_KEY: 'a-key-of-the-api',
    MODEL_ALIASES: 'fast=test@gpu-a,gpt; other=fast',
  });
  const ids = async (path: string, of: (body: never) => { id?: string; name?: string }[]) =>
    of((await json(app.url + path)).body as never).map(({ id, name }) => id ?? name);
  expect(await ids('/v1/models', ({ data }) => data)).toEqual(expect.arrayContaining(['fast', 'other', 'gpt']));
  expect(await ids('/api/tags', ({ models }) => models)).toEqual(expect.arrayContaining(['fast', 'other']));
  const { body, headers } = await ask(app, 'one', { model: 'other' });
  expect([headers.get('x-model-server'), body.model, body.message.content]).toEqual(['api', 'gpt', 'from the API']);
  const completion = await post(app, '/v1/chat/completions', {
    model: 'fast',
    messages: [{ role: 'user', content: 'two' }],
  });
  expect(completion.body.choices[0].message.content).toBe('from the API');
  const chat = await post(app, '/api/chat', {
    model: 'fast',
    stream: false,
    messages: [{ role: 'user', content: 'three' }],
  });
  expect(chat.body.message.content).toBe('from the API');
  // After the first token there is no other model.
  local.play([{ send: ollama.text('half') }, { send: ollama.error('out of memory') }]);
  await new Promise((later) => setTimeout(later, 5_100));
  const failed = await ask(app, 'four', { model: 'fast' });
  expect([failed.status, failed.body.error]).toEqual([502, expect.stringContaining('out of memory')]);
});

it('does not let a hosted API wait behind a local server', async () => {
  const gpu = await held('gpu');
  const hosted = await startFaultyModelServer();
  servers.push(hosted);
  hosted.setResponse('/v1/models', { object: 'list', data: [{ id: 'gpt', object: 'model' }] });
  hosted.play([{ send: openai.text('at once') }, { send: openai.finish() }, { send: openai.done() }]);
  const app = await start({ OLLAMA_API_URL: gpu.model.url, OPENAI_BASE_URL: `${hosted.url}/v1` });
  for (let index = 0; index < 3; index++) await enqueue(app, `question ${index}`);
  expect((await ask(app, 'hosted', { model: 'gpt' })).body.message.content).toBe('at once');
  expect((await json(`${app.url}/api/chat-queue`)).body).toMatchObject({ queue_length: 2, max_concurrent: 2 });
});

it('keeps a single server without a name as it was', async () => {
  const only = await quick('the only one');
  const app = await start({ OLLAMA_API_URL: only.url });
  const { headers, body } = await ask(app, 'one');
  expect(body.message.content).toBe('from the only one');
  expect(headers.has('x-model-server')).toBe(false);
  expect(await statsOf(app)).toMatchObject([{ name: new URL(only.url).host, state: 'up', slots: 1 }]);
  expect((await json(`${app.url}/api/chat-queue`)).body.max_concurrent).toBe(1);
});

it('names all servers that complete the prompts of one request', { timeout: 60_000 }, async () => {
  const [a, b] = await Promise.all([startFaultyModelServer(), startFaultyModelServer()]);
  servers.push(a, b);
  const both = Promise.withResolvers<void>();
  let asked = 0;
  for (const server of [a, b])
    server.choose(() => {
      asked += 1;
      if (asked === 2) both.resolve();
      const end = { response: 'x', done: true, done_reason: 'stop', prompt_eval_count: 1, eval_count: 1 };
      return [{ wait: both.promise }, { send: `${JSON.stringify(end)}\n` }];
    });
  const app = await start({
    OLLAMA_API_URL: listOf([
      { name: 'a', url: a.url, fragment: '&slots=1' },
      { name: 'b', url: b.url, fragment: '&slots=1' },
    ]),
  });
  const { status, headers, body } = await post(app, '/v1/completions', { prompt: ['one', 'two'] });
  expect([status, body.choices?.map(({ text }: { text: string }) => text)]).toEqual([200, ['x', 'x']]);
  expect(headers.get('x-model-server')?.split(', ').sort()).toEqual(['a', 'b']);
});

it('lists what the other servers have and run while one hangs', async () => {
  let hangs = false;
  const [hanging, sound] = await Promise.all(
    [true, false].map((mayHang) => {
      const respond = (body: object) => (_received: unknown, response: Parameters<typeof sendJson>[0]) => {
        if (!hangs || !mayHang) sendJson(response, body);
      };
      return startScriptedModelServer({
        '/api/tags': respond({ models: [{ name: 'test:latest', model: 'test:latest', size: 1 }] }),
        '/api/ps': respond({ models: [{ name: 'test:latest', model: 'test:latest', size: 1 }] }),
        '/api/show': respond({ capabilities: ['completion'] }),
        '/api/version': respond({ version: '1.2.3' }),
      });
    }),
  );
  try {
    const app = await start({ OLLAMA_API_URL: `${hanging?.url},${sound?.url}`, LOG_LEVEL: 'silent' });
    const get = async (path: string) => (await fetch(app.url + path)).json();
    expect((await get('/api/tags')).models).toHaveLength(1);
    hangs = true;
    const [tags, ps, version] = await Promise.all(['/api/tags', '/api/ps', '/api/version'].map(get));
    expect([tags.models.length, ps.models.length, version.version.length > 0]).toEqual([1, 1, true]);
  } finally {
    await hanging?.close();
    await sound?.close();
  }
}, 25_000);
