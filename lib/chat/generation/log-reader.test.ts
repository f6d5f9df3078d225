import { createParser } from 'eventsource-parser';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { nativeStreamEncoder, queueStreamEncoder } from '#lib/chat/formats/native';
import type { StreamEncoder } from '#lib/chat/formats/stream-encoder';
import { HEARTBEAT_MS } from '#lib/chat/generation/log-reader';
import type { PendingRequest } from '#lib/chat/generation/pending-request';
import { responseStream } from '#lib/chat/generation/response-stream';
import { readPosition } from '#lib/chat/http/read-position';
import { AppError } from '#lib/errors';
import { toReadableStream } from '#lib/http/stream-body';
import { type ChatEvent, chatEventSchema } from '#lib/wire/chat';
import { type EngineHarness, endEngine, engineHarness, settled } from '../../../test/support/chat.ts';

let b: EngineHarness;

afterEach(async () => {
  vi.useRealTimers();
  await endEngine(b);
});

function stream(
  pending: PendingRequest,
  encoder: StreamEncoder = nativeStreamEncoder(pending),
  after = 0,
  signal = new AbortController().signal,
) {
  return responseStream(b.engine, pending, encoder, { signal, after }).then(toReadableStream);
}

async function text(bytes: Promise<ReadableStream<Uint8Array>>): Promise<string> {
  return new Response(await bytes).text();
}

/** As the oldest clients read: every non-empty line is `data: ` and JSON. */
function events(body: string): ChatEvent[] {
  return body
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      expect(line.startsWith('data: ')).toBe(true);
      return chatEventSchema.parse(JSON.parse(line.slice(6)));
    });
}

it.each([3, 40])('gives a reader with event %i, of which a lost server was the last, its end alone', async (after) => {
  b = engineHarness();
  const pending = await b.submit('question');
  b.provider.last.say('one ');
  const body = text(stream(pending, queueStreamEncoder(pending), after));
  b.provider.last.say('two');
  b.provider.last.done();
  expect((await body).split('\n').filter((line) => line.startsWith('id: '))).toEqual(['id: 3']);
});

it('sends a reader whose text is void back to the beginning, also if it is cut off right behind that', async () => {
  b = engineHarness();
  const pending = await b.submit('question');
  b.provider.last.say('one');
  b.provider.last.done();
  const body = await text(stream(pending, queueStreamEncoder(pending, true)));
  const [first = '', ...others] = body.split('\n\n').filter((event) => event.includes('data: '));
  expect(first).toMatch(/^id: 0\nevent: status\ndata: .*"restarted":true/);
  expect(others.filter((event) => event.startsWith('id: ')).map((event) => event.slice(0, 5))).toEqual([
    'id: 1',
    'id: 2',
  ]);
  expect(readPosition('0', pending)).toMatchObject({ after: 0, hasAll: false, isRestarted: false });
});

describe('the chat stream', () => {
  it.each([
    [1_000, 20, 5_000],
    [3, 3, 8_000_000],
  ])(
    'reaches its end for each of %i readers of one response, %i tokens of %i characters',
    async (readers, tokens, size) => {
      b = engineHarness({ MAX_RESPONSE_MB: '64' });
      const bodies = [];
      for (let n = 0; n < readers; n += 1) bodies.push(text(stream(await b.submit({ use_cache: true }))));
      for (let n = 0; n < tokens; n += 1) b.provider.last.say('x'.repeat(size));
      b.provider.last.done();
      const ends = await Promise.all(bodies.map((body) => body.then((one) => one.includes('"done":true'))));
      expect(ends.filter((isWhole) => isWhole)).toHaveLength(readers);
    },
  );

  it('has the text as it comes, and one last event', async () => {
    b = engineHarness();
    const pending = await b.submit('hello');
    const body = text(stream(pending));
    b.provider.last.think('hm').say('Ru');
    await settled();
    b.provider.last.say('st\n').done();
    expect(events(await body)).toEqual([
      { thinking: 'hm', done: false, cached: false },
      { content: 'Ru', done: false, cached: false },
      { content: 'st\n', done: false, cached: false },
      {
        done: true,
        cached: false,
        request_id: pending.id,
        model: 'default-model',
        done_reason: 'stop',
        usage: { prompt_tokens: 3, completion_tokens: 5 },
        timings: { queued_ms: 0, first_token_ms: 0, total_ms: 0 },
      },
    ]);
  });

  it('has its first text at once, those of the next moment in one piece, and its end at once', async () => {
    b = engineHarness();
    vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] });
    const pending = await b.submit('hello');
    b.provider.last.say('a');
    const body = await responseStream(b.engine, pending, nativeStreamEncoder(pending), {
      signal: new AbortController().signal,
    });
    const pieces: [texts: number, isLast: boolean][] = [];
    const ended = Promise.withResolvers<void>();
    body.start({
      write: (piece, isLast) => pieces.push([piece.split('"content"').length - 1, isLast]) > 0,
      end: () => ended.resolve(),
      fail: (error) => ended.reject(error),
    });
    expect(pieces).toEqual([[1, false]]);
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    for (let count = 0; count < 3; count++) {
      b.provider.last.say('b');
      await turn();
    }
    expect(pieces).toHaveLength(1);
    vi.advanceTimersByTime(4);
    await turn();
    expect(pieces).toEqual([
      [1, false],
      [3, false],
    ]);
    b.provider.last.say('c').done();
    await ended.promise;
    // The timer that the last text has set.
    vi.advanceTimersByTime(4);
    expect(pieces).toEqual([
      [1, false],
      [3, false],
      [1, true],
    ]);
  });

  it('says at once where a request stands, and again when that changes', async () => {
    b = engineHarness();
    await b.submit('a');
    await b.submit('b');
    const pending = await b.submit('c');
    const reader = (await stream(pending)).getReader();
    const next = async () => events(new TextDecoder().decode((await reader.read()).value));
    expect(await next()).toEqual([
      {
        request_id: pending.id,
        status: 'queued',
        queue_position: 2,
        queue_length: 2,
        estimated_wait_time: 60_000,
        done: false,
        cached: false,
      },
    ]);
    b.provider.last.done();
    expect(await next()).toMatchObject([{ status: 'queued', queue_position: 1, queue_length: 1 }]);
    await reader.cancel();
  });

  it('shows a sign of life after every 15 s of silence, also before the first token', async () => {
    b = engineHarness();
    const pending = await b.submit('hello');
    const opened = stream(pending);
    await b.clock.advance(HEARTBEAT_MS);
    const reader = (await opened).getReader();
    const alive = { done: false, cached: false };
    const next = async () => events(new TextDecoder().decode((await reader.read()).value));
    expect(await next()).toEqual([alive]);
    const second = next();
    await b.clock.advance(10_000);
    b.provider.last.say('x');
    expect(await second).toMatchObject([{ content: 'x' }]);
    const third = next();
    await b.clock.advance(14_000);
    expect(await Promise.race([third, settled().then(() => 'silence')])).toBe('silence');
    await b.clock.advance(1_000);
    expect(await third).toEqual([alive]);
    await reader.cancel();
  });

  it('throws an error before the first token, and sends a later one as the last event', async () => {
    b = engineHarness();
    const early = stream(await b.submit('early'));
    b.provider.last.fail(new AppError('model_not_found', 'Pull it.'));
    await expect(early).rejects.toMatchObject({ code: 'model_not_found' });
    const late = text(stream(await b.submit('late')));
    b.provider.last.say('x').fail(new AppError('upstream_failed', 'It failed.'));
    expect(events(await late)).toEqual([
      { content: 'x', done: false, cached: false },
      { done: true, error: 'It failed.', code: 'upstream_failed' },
    ]);
  });

  it('sends a late joiner everything so far at once', async () => {
    b = engineHarness();
    await b.submit('hello');
    for (const word of ['a', 'b', 'c']) b.provider.last.say(word);
    await settled();
    const late = await b.submit('hello');
    const reader = (await stream(late)).getReader();
    const first = events(new TextDecoder().decode((await reader.read()).value));
    expect(first.map(({ content }) => content)).toEqual(['a', 'b', 'c']);
    await reader.cancel();
  });

  it('ends with its own cancel while the twin goes on', async () => {
    b = engineHarness();
    const mine = await b.submit('hello');
    const twin = await b.submit('hello');
    const [one, other] = [text(stream(mine)), text(stream(twin))];
    b.provider.last.say('x');
    await settled();
    b.engine.cancel(mine.id, 'ann');
    expect(events(await one).at(-1)).toMatchObject({ done: true, code: 'cancelled' });
    b.provider.last.done();
    expect(events(await other).at(-1)).toMatchObject({ done: true, request_id: twin.id });
  });

  it('encodes nothing for a reader that stands still, and does not slow the others', async () => {
    b = engineHarness();
    let encoded = 0;
    const slow = await b.submit('hello');
    const form = nativeStreamEncoder(slow);
    const opened = stream(slow, {
      ...form,
      encode(event, number) {
        if (event.type === 'content') encoded += 1;
        return form.encode(event, number);
      },
    });
    b.provider.last.say('first');
    const stuck = await opened;
    const fast = text(stream(await b.submit('hello')));
    const word = 'x'.repeat(1_000);
    for (let n = 0; n < 1_000; n += 1) b.provider.last.say(word);
    b.provider.last.done();
    expect(events(await fast)).toHaveLength(1_002);
    expect(encoded).toBe(1);
    const reader = stuck.getReader();
    await reader.read();
    const chunk = (await reader.read()).value;
    expect(chunk?.byteLength).toBeGreaterThan(60_000);
    expect(chunk?.byteLength).toBeLessThan(70_000);
    await reader.cancel();
  });

  it('releases its request when the client disconnects, before and after the first byte', async () => {
    b = engineHarness();
    const before = new AbortController();
    const first = await b.submit('one');
    const opened = stream(first, nativeStreamEncoder(first), 0, before.signal);
    await settled();
    before.abort();
    await expect(opened).rejects.toMatchObject({ code: 'cancelled' });
    await b.clock.advance(10_000);
    expect(first.state).toBe('cancelled');
    const after = new AbortController();
    const second = await b.submit('two');
    b.provider.last.say('x');
    const body = await stream(second, nativeStreamEncoder(second), 0, after.signal);
    after.abort();
    await b.clock.advance(10_000);
    expect(second.state).toBe('cancelled');
    await body.cancel();
  });
});

describe('the queue stream', () => {
  function parse(body: string) {
    const found: { id: string | undefined; event: string | undefined; data: ChatEvent }[] = [];
    const parser = createParser({
      onEvent: ({ id, event, data }) => found.push({ id, event, data: JSON.parse(data) }),
    });
    parser.feed(body);
    return found;
  }

  it('has a kind for every event, an id for all but a status, and says when to connect again', async () => {
    b = engineHarness();
    await b.submit('a');
    const pending = await b.submit('b');
    const chunks = (await stream(pending, queueStreamEncoder(pending))).getReader();
    const next = async () => new TextDecoder().decode((await chunks.read()).value);
    const pieces = [await next()];
    b.provider.last.done();
    pieces.push(await next());
    await vi.waitFor(() => expect(b.provider.calls).toHaveLength(2));
    b.provider.last.think('hm').say('x').done();
    for (let piece = await next(); piece !== ''; piece = await next()) pieces.push(piece);
    const whole = pieces.join('');
    expect(whole.startsWith('retry: 2000\n\n')).toBe(true);
    expect(parse(whole).map(({ id, event }) => [id, event])).toEqual([
      [undefined, 'status'],
      [undefined, 'status'],
      ['1', 'thinking'],
      ['2', 'content'],
      ['3', 'done'],
    ]);
  });

  it('has the state first for a reader that comes back, and the ids of any other reader', async () => {
    b = engineHarness();
    const pending = await b.submit('hello');
    b.provider.last.say('a').say('b');
    await settled();
    const back = text(stream(pending, queueStreamEncoder(pending), 1));
    const first = text(stream(pending, queueStreamEncoder(pending)));
    await settled();
    b.provider.last.say('c').done();
    const kinds = async (body: Promise<string>) => parse(await body).map(({ id, event }) => [id, event]);
    const rest = [
      ['2', 'content'],
      ['3', 'content'],
      ['4', 'done'],
    ];
    expect(await kinds(back)).toEqual([[undefined, 'status'], ...rest]);
    expect(await kinds(first)).toEqual([[undefined, 'status'], ['1', 'content'], ...rest]);
  });

  it('loses and repeats nothing, wherever the connection is cut', async () => {
    const words = fc.array(fc.string({ minLength: 1, unit: 'grapheme' }), { minLength: 1, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(words, fc.array(fc.nat(), { maxLength: 4 }), fc.nat(3), async (script, cuts, ahead) => {
        b = engineHarness();
        for (let n = 0; n < ahead; n += 1) await b.submit(`ahead ${n}`);
        const pending = await b.submit('hello');
        const got: { id: string | undefined; event: string | undefined; data: ChatEvent }[] = [];
        // As `EventSource` counts: an event without an id leaves the last one.
        const lastId = () => Number(got.findLast(({ id }) => id !== undefined)?.id ?? 0);
        // It watches the queue, is cut off, and begins where it was.
        const watching = new AbortController();
        const watched = text(stream(pending, queueStreamEncoder(pending), 0, watching.signal));
        for (let n = 0; n < ahead; n += 1) {
          b.provider.last.say('x').done();
          await settled();
        }
        watching.abort();
        got.push(...parse(await watched));
        expect(got.every(({ id, event }) => id === undefined && event === 'status')).toBe(true);
        for (const word of script) b.provider.last.say(word);
        b.provider.last.done();
        await settled();
        for (const cut of cuts) {
          const bytes = Buffer.from(await text(stream(pending, queueStreamEncoder(pending), lastId())));
          got.push(...parse(new TextDecoder().decode(bytes.subarray(0, cut % (bytes.length + 1)))));
          if (got.at(-1)?.event === 'done') break;
        }
        if (got.at(-1)?.event !== 'done')
          got.push(...parse(await text(stream(pending, queueStreamEncoder(pending), lastId()))));
        const ids = got.flatMap(({ id }) => (id === undefined ? [] : [Number(id)]));
        expect(ids).toEqual(ids.map((_, index) => index + 1));
        expect(got.flatMap(({ data }) => data.content ?? []).join('')).toBe(script.join(''));
        expect(got.filter(({ event }) => event === 'done')).toHaveLength(1);
        b.engine.close();
      }),
      { numRuns: 60 },
    );
  });
});
