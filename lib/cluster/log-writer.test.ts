import { expect, it } from 'vitest';
import { GenerationLog, type LogEvent } from '#lib/chat/generation/generation-log';
import { LogWriter } from '#lib/cluster/log-writer';
import type { EntryEvent, EntryId, OtherSource } from '#lib/cluster/run-format';
import type { LogEntry } from '#lib/cluster/run-logs';
import { ManualClock, settled } from '../../test/support/chat.ts';

const say = (text: string): LogEvent => ({ type: 'content', text });
const OTHER: OtherSource = { model: 'second', server: 'api' };
const DONE: LogEvent = { type: 'done', done_reason: 'stop', usage: { prompt_tokens: 1, completion_tokens: 1 } };

/** A stream as Redis has it: ids only grow. */
class Stream {
  readonly entries: (EntryId & { events: readonly EntryEvent[] })[] = [];
  isAway = false;
  /** Whether what it has is to be looked at first. */
  isHeld = false;
  /** Whether the next entry is written although its reply is lost. */
  losesReply = false;

  others: (OtherSource | undefined)[] = [];

  async append(_run: string, id: EntryId, events: readonly EntryEvent[], other?: OtherSource): Promise<void> {
    this.others.push(other);
    if (this.isAway) throw new Error('Redis does not respond.');
    const last = this.entries.at(-1);
    if (last !== undefined && (id.attempt < last.attempt || (id.attempt === last.attempt && id.number <= last.number)))
      throw Object.assign(
        new Error('ERR The ID specified in XADD is equal or smaller than the target stream top item'),
        { name: 'ReplyError' },
      );
    this.entries.push({ ...id, events });
    if (!this.losesReply) return;
    this.losesReply = false;
    throw new Error('Command timed out');
  }

  async lastEntry(): Promise<LogEntry | undefined> {
    const last = this.entries.at(-1);
    return last && { id: last, events: last.events };
  }
}

function begin() {
  const [log, clock, stream] = [new GenerationLog(), new ManualClock(), new Stream()];
  const isHeld = () => stream.isHeld;
  const writer = new LogWriter({ store: stream, run: 'run', attempt: 1, log, clock, isHeld });
  const texts = () =>
    stream.entries.flatMap(({ events }) => events).flatMap((event) => ('text' in event ? event.text : []));
  return { log, clock, stream, writer, texts };
}

it('writes the first event at once, and others together', async () => {
  const { log, clock, stream } = begin();
  log.append(say('a'));
  expect(stream.entries).toHaveLength(1);
  await settled();
  log.append(say('b'));
  log.append(say('c'));
  await clock.advance(9);
  expect(stream.entries).toHaveLength(1);
  await clock.advance(1);
  expect(stream.entries.map(({ attempt, number }) => [attempt, number])).toEqual([
    [1, 1],
    [1, 3],
  ]);
});

it('writes much text without waiting', async () => {
  const { log, stream } = begin();
  log.append(say('a'));
  await settled();
  log.append(say('b'.repeat(5_000)));
  await settled();
  expect(stream.entries).toHaveLength(2);
});

it('ends when the last event is written', async () => {
  const { log, stream, writer, texts } = begin();
  log.append(say('a'));
  log.append(say('b'));
  log.append(DONE);
  expect(await writer.ended).toBe('written');
  expect(texts()).toEqual(['a', 'b']);
  expect(stream.entries.at(-1)).toMatchObject({ number: 3 });
  expect(stream.entries.at(-1)?.events.at(-1)).toEqual(DONE);
});

it('keeps what it cannot write until Redis is back', async () => {
  const { log, clock, stream, writer, texts } = begin();
  stream.isAway = true;
  log.append(say('a'));
  log.append(say('b'));
  log.append(DONE);
  await clock.advance(1_000);
  expect(stream.entries).toEqual([]);
  stream.isAway = false;
  await clock.advance(1_000);
  expect(await writer.ended).toBe('written');
  expect(texts()).toEqual(['a', 'b']);
});

it('writes no more than 256 Ki characters in one entry', async () => {
  const { log, clock, stream, writer, texts } = begin();
  stream.isAway = true;
  for (let index = 0; index < 10; index++) log.append(say('x'.repeat(60_000)));
  log.append(DONE);
  await settled();
  stream.isAway = false;
  await clock.advance(1_000);
  expect(await writer.ended).toBe('written');
  expect(texts().join('')).toHaveLength(600_000);
  const sizes = stream.entries.map(({ events }) => JSON.stringify(events).length);
  expect(sizes.length).toBeGreaterThan(2);
  expect(Math.max(...sizes)).toBeLessThan(330_000);
});

it('writes no event twice whose reply is lost', async () => {
  const { log, clock, stream, writer, texts } = begin();
  stream.losesReply = true;
  log.append(say('a'));
  await settled();
  log.append(say('b'));
  log.append(DONE);
  await clock.advance(1_000);
  expect(await writer.ended).toBe('written');
  expect(texts()).toEqual(['a', 'b']);
});

it('stops when another attempt has begun', async () => {
  const { log, stream, writer } = begin();
  log.append(say('a'));
  await settled();
  stream.entries.push({ attempt: 2, number: 0, events: [{ type: 'started', server: 's', model: 'm' }] });
  log.append(say('b'.repeat(5_000)));
  expect(await writer.ended).toBe('fenced');
  log.append(DONE);
  await settled();
  expect(stream.entries).toHaveLength(2);
});

it('writes nothing once it is closed', async () => {
  const { log, clock, stream, writer } = begin();
  writer.close();
  log.append(say('a'));
  log.append(DONE);
  await clock.advance(1_000);
  expect(await writer.ended).toBe('closed');
  expect(stream.entries).toEqual([]);
});

it('says with each entry which model and server write where the run began with others', async () => {
  const [log, clock, stream] = [new GenerationLog(), new ManualClock(), new Stream()];
  new LogWriter({ store: stream, run: 'run', attempt: 1, log, other: () => OTHER, clock });
  log.append(say('a'));
  await settled();
  expect(stream.others).toEqual([OTHER]);
});

it('writes nothing while it is held, and all of that afterwards', async () => {
  const { log, clock, stream, writer, texts } = begin();
  log.append(say('a'));
  await settled();
  stream.isHeld = true;
  log.append(say('b'));
  await clock.advance(1_000);
  log.append(DONE);
  await clock.advance(1_000);
  expect(texts()).toEqual(['a']);
  stream.isHeld = false;
  await clock.advance(1_000);
  expect(await writer.ended).toBe('written');
  expect(texts()).toEqual(['a', 'b']);
});

it.each([
  { lost: 'the last entries', left: 1, to: 1 },
  { lost: 'all entries', left: 0, to: 0 },
])('writes $lost again that Redis has lost', async ({ left, to }) => {
  const { log, clock, stream, writer, texts } = begin();
  for (const text of ['a', 'b', 'c']) {
    log.append(say(text));
    await clock.advance(10);
  }
  expect(stream.entries.map(({ number }) => number)).toEqual([1, 2, 3]);
  stream.entries.splice(left);
  writer.rewind(to);
  await clock.advance(100);
  expect(texts()).toEqual(['a', 'b', 'c']);
  log.append(DONE);
  await clock.advance(100);
  expect(await writer.ended).toBe('written');
  expect(stream.entries.at(-1)?.number).toBe(4);
});

it('goes on after a rewind while an entry is on its way', async () => {
  const { log, clock, stream, writer, texts } = begin();
  log.append(say('a'));
  await settled();
  stream.entries.splice(0);
  log.append(say('b'.repeat(5_000)));
  // It is being written now.
  writer.rewind(0);
  await clock.advance(100);
  log.append(DONE);
  await clock.advance(100);
  expect(await writer.ended).toBe('written');
  expect(texts()).toContain('b'.repeat(5_000));
});

it('stops when another attempt has begun while there was nothing to write', async () => {
  const { stream, writer } = begin();
  stream.entries.push({ attempt: 1, number: 0, events: [] });
  await writer.checkFence();
  const successor = { attempt: 2, number: 0, events: [{ type: 'started', server: 's', model: 'm' } as const] };
  stream.entries.push(successor);
  await writer.checkFence();
  expect(await writer.ended).toBe('fenced');
  expect(writer.successor).toEqual({ id: successor, events: successor.events });
});

it('writes all of a log again as another attempt', async () => {
  const { log, clock, stream, writer } = begin();
  log.append(say('a'));
  await settled();
  // Of another server, which took the same number.
  stream.entries.push({ attempt: 1, number: 5, events: [] });
  writer.renumber(2);
  log.append(DONE);
  await clock.advance(100);
  expect(await writer.ended).toBe('written');
  expect(stream.entries.slice(2).map(({ attempt, events }) => [attempt, ...events])).toEqual([
    [2, say('a')],
    [2, DONE],
  ]);
});
