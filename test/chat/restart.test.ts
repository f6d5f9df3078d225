import { afterEach, expect, it } from 'vitest';
import { type FaultyModelServer, ollama, startFaultyModelServer } from '../support/faulty-model-server.ts';
import { freePort } from '../support/free-port.ts';
import { needsOneServer } from '../support/instances.ts';
import { NO_PROGRAMS, type RunningApp, startApp } from '../support/running-app.ts';

/** A server that is restarted during responses: what its clients receive. */
const apps: RunningApp[] = [];
let model: FaultyModelServer;

afterEach(async () => {
  await Promise.all(apps.splice(0).map((app) => app.stop(2_000)));
  await model.close();
});

const TOLD = { error: expect.stringMatching(/^The server is stopping\. Send .* again.*\.$/), code: 'shutting_down' };
const UUID = expect.stringMatching(/^[0-9a-f-]{36}$/);

it('ends each open response with one error that says to send it again', async () => {
  needsOneServer('what a shared queue has goes on, or is lost with its text');
  model = await startFaultyModelServer();
  model.play([{ send: ollama.text('half an an') }, 'hang']);
  const env = {
    ...NO_PROGRAMS,
    PORT: String(await freePort()),
    MODEL_PROVIDER: 'ollama',
    OLLAMA_API_URL: model.url,
    OLLAMA_MODEL: 'test',
    LOG_LEVEL: 'info',
    SHUTDOWN_TIMEOUT_MS: '300',
  };
  const app = await startApp('server', env);
  apps.push(app);
  const post = (path: string, content: string, fields: object = {}) =>
    fetch(app.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ messages: [{ role: 'user', content }], ...fields }),
    });

  const running = reader(await post('/api/chat-optimized', 'runs'));
  await running.until('half an an');
  const waiting = reader(await post('/api/chat-optimized', 'waits'));
  const queued = await (await post('/api/chat-queue', 'waits, too')).json();
  const path = `/api/chat-queue?requestId=${queued.request_id}`;
  const watched = reader(await fetch(app.url + path, { headers: { accept: 'text/event-stream' } }));
  await Promise.all([waiting.until('"queue_position":1'), watched.until('"queue_position":2')]);
  const whole = post('/api/chat-optimized', 'waits without a stream', { stream: false });
  await expect.poll(async () => (await (await fetch(`${app.url}/api/chat-queue`)).json()).queue_length).toBe(3);

  const code = app.stop();
  for (const stream of [running, waiting]) {
    const events = dataOf(await stream.rest());
    expect(events.filter((event) => event.done)).toEqual([{ done: true, ...TOLD, request_id: UUID }]);
    expect(events.at(-1)).toMatchObject({ done: true });
  }
  // A saved request goes on after the restart, so its stream has no last event.
  const paused = await watched.rest();
  expect(dataOf(paused).at(-1)).toEqual({
    request_id: queued.request_id,
    done: false,
    status: 'queued',
    restarting: true,
  });
  expect(paused).not.toContain('"done":true');
  const refused = await whole;
  expect(refused.status).toBe(503);
  expect(refused.headers.get('retry-after')).toMatch(/^\d+$/);
  expect(await refused.json()).toEqual(TOLD);
  expect(await code).toBe(0);
  expect(app.output()).not.toMatch(/\n\s+at .*[(:]\d+/);
  const ended = app
    .output()
    .split('\n')
    .find((line) => line.includes('"path":"/api/chat-optimized","status":503'));
  expect(JSON.parse(ended ?? '{}')).toMatchObject({
    cache: 'miss',
    caller: expect.stringMatching(/^[0-9a-f]{8}$/),
    model: 'test:latest',
    outcome: 'failed',
  });
  await model.idle();

  const next = await startApp('server', { ...NO_PROGRAMS, ...env, QUEUE_MAX_SIZE: '1' });
  apps.push(next);
  expect(next.url).toBe(app.url);
  // Its database is another one.
  for (const accept of ['text/event-stream', 'application/json']) {
    const gone = await fetch(next.url + path, { headers: { accept, 'last-event-id': '2' } });
    expect(gone.status).toBe(404);
    expect(await gone.json()).toEqual({ error: expect.stringContaining('Send the request again.'), code: 'not_found' });
  }
  model.play([{ send: ollama.text('whole') }, { send: ollama.done() }]);
  expect(await (await post('/api/chat-optimized', 'runs', { stream: false })).json()).toMatchObject({
    cached: false,
    message: { content: 'whole' },
  });
  await (await post('/api/chat-optimized', 'runs')).text();
  await (await post('/api/chat-optimized', 'runs anew')).text();
  const lines = () =>
    next
      .output()
      .split('\n')
      .filter((line) => line.includes('"path":"/api/chat-optimized"'))
      .map((line) => JSON.parse(line));
  await expect.poll(() => lines().length).toBe(3);
  const always = {
    msg: 'request',
    model: 'test:latest',
    prompt_tokens: 3,
    completion_tokens: 5,
    queued_ms: expect.any(Number),
  };
  expect(lines().map(({ cache }) => cache)).toEqual(['miss', 'hit', 'miss']);
  for (const line of lines()) expect(line).toMatchObject({ ...always, caller: expect.stringMatching(/^[0-9a-f]{8}$/) });
  expect(lines()[2]).toMatchObject({ outcome: 'completed', total_ms: expect.any(Number) });
  model.play([{ send: ollama.text('x') }, 'hang']);
  const taken = [await post('/api/chat-optimized', 'holds the slot'), await post('/api/chat-optimized', 'waits')];
  expect((await post('/api/chat-optimized', 'is too much', { model: 'a"b' })).status).toBe(503);
  await expect.poll(() => lines().length).toBe(4);
  const caller = expect.stringMatching(/^[0-9a-f]{8}$/);
  expect(lines()[3]).toMatchObject({ status: 503, caller, model: 'a"b', outcome: 'refused' });
  await Promise.all(taken.map(({ body }) => body?.cancel()));
}, 60_000);

it('cuts a client that does not read, which costs its twin nothing', async () => {
  needsOneServer('what a shared queue has goes on, or is lost with its text');
  model = await startFaultyModelServer();
  const much = { send: ollama.text('x'.repeat(1024 * 1024)) };
  model.play([...Array<typeof much>(32).fill(much), { send: ollama.text('all of it') }, 'hang']);
  const app = await startApp('server', {
    ...NO_PROGRAMS,
    MODEL_PROVIDER: 'ollama',
    OLLAMA_API_URL: model.url,
    OLLAMA_MODEL: 'test',
    MAX_RESPONSE_MB: '64',
    SHUTDOWN_TIMEOUT_MS: '100',
  });
  apps.push(app);
  const ask = () =>
    fetch(`${app.url}/api/chat-optimized`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ messages: [{ role: 'user', content: 'much' }] }),
    });
  const unread = await ask();
  const twin = reader(await ask());
  await twin.until('all of it');
  expect(model.requests).toHaveLength(1);
  const code = app.stop(20_000);
  expect(dataOf((await twin.rest()).slice(-1_000)).at(-1)).toEqual({ done: true, ...TOLD, request_id: UUID });
  expect(await code).toBe(0);
  // Not compared with what came: a failure would print it.
  expect(
    await unread.text().then(
      () => 'whole',
      () => 'cut',
    ),
  ).toBe('cut');
}, 60_000);

/** Reads a stream's text as far as it is asked to. */
function reader(response: Response) {
  const chunks = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  if (chunks === undefined) throw new Error('no body');
  let newest = '';
  const parts: string[] = [];
  const more = async () => {
    const { done, value } = await chunks.read();
    newest = value ?? '';
    parts.push(newest);
    return !done;
  };
  return {
    async until(part: string) {
      let seen = parts.join('');
      while (!seen.includes(part)) {
        if (!(await more())) throw new Error(`it ended without ${part}`);
        // Only what is new is searched: the text may be very long.
        seen = seen.slice(-part.length) + newest;
      }
    },
    /** All of it, once it has ended in good order. */
    async rest() {
      while (await more());
      return parts.join('');
    },
  };
}

function dataOf(text: string) {
  return text.split('\n').flatMap((line) => (line.startsWith('data: ') ? [JSON.parse(line.slice(6))] : []));
}
