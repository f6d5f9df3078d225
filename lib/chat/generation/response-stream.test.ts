import { afterEach, expect, it, vi } from 'vitest';
import { nativeStreamEncoder } from '#lib/chat/formats/native';
import { responseStream } from '#lib/chat/generation/response-stream';
import type { Settlement } from '#lib/chat/settlement';
import { toReadableStream } from '#lib/http/stream-body';
import { type EngineHarness, endEngine, engineHarness, settled } from '../../../test/support/chat.ts';

let b: EngineHarness;

afterEach(() => endEngine(b));

/** A stream of `question` whose end waits for what `settle` returns; with what it has so far. */
async function begin(settle: () => Settlement, question = 'question') {
  const pending = await b.submit(question);
  const { signal } = new AbortController();
  const opened = responseStream(b.engine, pending, nativeStreamEncoder(pending), { signal, settled: settle });
  const read = { text: '', isOver: false };
  const reading = opened.then(async (body) => {
    for await (const chunk of toReadableStream(body)) read.text += Buffer.from(chunk).toString();
    read.isOver = true;
  });
  return { read, reading };
}

it.each([true, false])('sends its end once other servers know what it names, or cannot (%s)', async (isKnown) => {
  b = engineHarness();
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const settle = vi.fn(() => promise);
  const { read, reading } = await begin(settle);
  b.provider.last.say('one ');
  await vi.waitFor(() => expect(read.text).toContain('one '));
  expect(settle).not.toHaveBeenCalled();
  b.provider.last.done();
  await vi.waitFor(() => expect(settle).toHaveBeenCalled());
  await settled();
  expect(read.text).not.toContain('"done":true');
  resolve(isKnown);
  await reading;
  expect(read.text).toContain('"done":true');
  expect(settle).toHaveBeenCalledTimes(1);
});

it('holds a response that has ended before it is read', async () => {
  b = engineHarness();
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const { read, reading } = await begin(() => promise);
  b.provider.last.say('one ').done();
  for (let turn = 0; turn < 10; turn++) await settled();
  expect(read.isOver).toBe(false);
  resolve(true);
  await reading;
  expect(read.text).toContain('one ');
  expect(read.text).toContain('"done":true');
});

it('does not wait where nothing is left to be known', async () => {
  b = engineHarness();
  const { read, reading } = await begin(() => undefined);
  b.provider.last.say('one ').done();
  await reading;
  expect(read.text).toContain('"done":true');
});
