import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { SERVER_ARGUMENTS, serverEnvironment } from '../../scripts/server-process.ts';
import { type FaultyModelServer, ollama, type Step, startFaultyModelServer } from '../support/faulty-model-server.ts';
import { freePort } from '../support/free-port.ts';
import { launch, type RunningApp, whenServing } from '../support/running-app.ts';

/**
 * The server with the heap that `npm start` gives it, against callers and a model server that fill
 * what they can.
 */
const MIB = 1024 * 1024;
let model: FaultyModelServer;
let app: RunningApp;

beforeAll(async () => {
  model = await startFaultyModelServer(0, ['completion', 'vision']);
  const port = await freePort();
  const env = {
    ...serverEnvironment(),
    PORT: String(port),
    MODEL_PROVIDER: 'ollama',
    OLLAMA_API_URL: model.url,
    OLLAMA_MODEL: 'test',
    API_KEYS: KEYS.join(','),
  };
  app = await whenServing(`http://127.0.0.1:${port}`, launch([...SERVER_ARGUMENTS], env));
});

afterAll(async () => {
  await app?.stop();
  await model?.close();
});

const KEYS = ['key-of-the-greedy-one', 'key-of-somebody-else'] as const;

function post(path: string, body: string | Buffer<ArrayBuffer>, key: string = KEYS[0]) {
  return fetch(app.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body,
  });
}

/** One question of another caller that gets a response at once: the server serves others. */
async function servesOthers(word: string): Promise<void> {
  const body = JSON.stringify({ messages: [{ role: 'user', content: word }], stream: false });
  expect(await (await post('/api/chat-optimized', body, KEYS[1])).json()).toMatchObject({
    message: { content: `about ${word}` },
  });
}

/** Lets go of what the last test held. */
let release = () => {};
afterEach(() => release());

/** Echoes the last question, but holds those that say so until `release`. */
function playEcho(): void {
  const { promise, resolve } = Promise.withResolvers<void>();
  release = resolve;
  model.choose((body) => {
    const content = String(lastMessage(body)?.content);
    const end: Step[] = [{ send: ollama.text(`about ${content}`) }, { send: ollama.done() }];
    return content.startsWith('hold') ? [{ wait: promise }, ...end] : end;
  });
}

function lastMessage(body: unknown): { content?: unknown; images?: unknown } | undefined {
  return (body as { messages?: { content?: unknown; images?: unknown }[] }).messages?.at(-1);
}

/** `bytes` of an image that no other has, in base64. */
function image(seed: number, bytes: number): string {
  return Buffer.alloc(bytes, `${seed} image `).toString('base64');
}

/** `count` calls, two at a time. */
async function inPairs<T>(count: number, call: (n: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  let next = 0;
  const work = async () => {
    for (let n = next++; n < count; n = next++) results[n] = await call(n);
  };
  await Promise.all([work(), work()]);
  return results;
}

async function endOf(id: string): Promise<{ status: string; code?: string }> {
  for (;;) {
    const entry = await (
      await fetch(`${app.url}/api/chat-queue?requestId=${id}`, { headers: { authorization: `Bearer ${KEYS[0]}` } })
    ).json();
    if (entry.status !== 'queued' && entry.status !== 'processing') return entry;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe('the process stays within its heap and serves others', () => {
  it('when one caller queues 27 requests with four images of 4 MiB', async () => {
    playEcho();
    const responses = await inPairs(27, async (n) => {
      const images = [1, 2, 3, 4].map((of) => image(4 * n + of, (4 * MIB * 3) / 4));
      const body = JSON.stringify({ messages: [{ role: 'user', content: `hold ${n}`, images }] });
      const reply = await post('/api/chat-queue', body);
      return { status: reply.status, retryAfter: reply.headers.get('retry-after'), body: await reply.json() };
    });
    const taken = responses.filter(({ status }) => status === 202);
    const refused = responses.filter(({ status }) => status !== 202);
    // Half of 256 MB holds ten of them next to the one that runs.
    expect(taken).toHaveLength(11);
    for (const { status, retryAfter, body } of refused)
      expect([status, body.code, Number(retryAfter)]).toEqual([503, 'queue_full', expect.toSatisfy((s) => s > 0)]);
    // Another caller has room, and its turn.
    const other = post(
      '/api/chat-optimized',
      JSON.stringify({ messages: [{ role: 'user', content: 'x' }], stream: false }),
      KEYS[1],
    );
    release();
    expect(await (await other).json()).toMatchObject({ message: { content: 'about x' } });
    for (const { body } of taken) expect(await endOf(body.request_id)).toMatchObject({ status: 'completed' });
    // Every image came to the model as it was sent.
    for (const { body } of model.requests) {
      const { content, images } = lastMessage(body) ?? {};
      const n = Number(/^hold (\d+)$/.exec(String(content))?.[1]);
      if (Number.isNaN(n)) continue;
      expect(images === undefined ? 0 : (images as string[]).length).toBe(4);
      expect((images as string[]).every((sent, at) => sent === image(4 * n + at + 1, (4 * MIB * 3) / 4))).toBe(true);
    }
  }, 240_000);

  it.each([
    [26, 'text', { content: 'word '.repeat(3.8 * MIB) }],
    [4, 'text of letters alone', { content: 'x'.repeat(19 * MIB) }],
    [4, 'structure', { tool_calls: Array(6 * MIB).fill([]) }],
  ])(
    'when it sends %i bodies of 19 MB of %s',
    async (count, what, fields) => {
      playEcho();
      const body = Buffer.from(JSON.stringify({ images: [], messages: [{ role: 'user', images: [], ...fields }] }));
      const replys = await inPairs(count, async () => {
        const reply = await post('/api/chat-queue', body);
        return [reply.status, (await reply.json()).code];
      });
      expect(replys).toEqual(Array(count).fill([413, 'body_too_large']));
      await servesOthers(`after ${what}`);
    },
    240_000,
  );

  it.each([
    ['content', ollama.text('x'.repeat(MIB))],
    ['thinking', ollama.thinking('x'.repeat(MIB))],
    ['small pieces', ollama.text('x').repeat(20_000)],
    [
      'tool calls',
      `${JSON.stringify({ message: { role: 'assistant', content: '', tool_calls: [{ function: { name: 'f', arguments: { x: Array(2e5).fill([]) } } }] }, done: false })}\n`,
    ],
  ])(
    'when a model server sends 300 MB of %s',
    async (what, piece) => {
      const step = { send: piece };
      model.choose((body) => {
        const content = String(lastMessage(body)?.content);
        return content.startsWith('endless')
          ? Array<Step>(Math.ceil((300 * MIB) / piece.length)).fill(step)
          : [{ send: ollama.text(`about ${content}`) }, { send: ollama.done() }];
      });
      const body = JSON.stringify({ messages: [{ role: 'user', content: `endless ${what}` }], stream: false });
      const reply = await post('/api/chat-optimized', body);
      expect([reply.status, await reply.json()]).toEqual([
        502,
        { error: expect.stringContaining('MAX_RESPONSE_MB'), code: 'upstream_failed' },
      ]);
      await servesOthers(`after ${what}`);
    },
    240_000,
  );

  it('when a model server sends 300 MB in one line', async () => {
    const open = '{"message":{"role":"assistant","content":"';
    const part = { send: 'x'.repeat(MIB) };
    model.choose((body) => {
      const content = String(lastMessage(body)?.content);
      return content === 'one line'
        ? [{ send: open }, ...Array<Step>(300).fill(part)]
        : [{ send: ollama.text(`about ${content}`) }, { send: ollama.done() }];
    });
    const body = JSON.stringify({ messages: [{ role: 'user', content: 'one line' }], stream: false });
    const reply = await post('/api/chat-optimized', body);
    expect([reply.status, (await reply.json()).code]).toEqual([502, 'upstream_failed']);
    await servesOthers('after one line');
  }, 240_000);
});
