import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Generation } from '#lib/chat/generation/generation';
import {
  type GenerationEvent,
  GenerationLog,
  type LogEvent,
  type QueueStatusEvent,
} from '#lib/chat/generation/generation-log';
import { LogReader } from '#lib/chat/generation/log-reader';
import { PendingRequest } from '#lib/chat/generation/pending-request';
import { ManualClock, ScriptedProvider } from '../../../test/support/chat.ts';

const DONE: LogEvent = { type: 'done', done_reason: 'stop', usage: { prompt_tokens: 1, completion_tokens: 1 } };

function pendingRequest(): PendingRequest {
  const [id, caller, createdAt] = ['r', 'ann', 0];
  const generation = new Generation({
    id,
    caller,
    group: 'g',
    model: 'm',
    createdAt,
    key: undefined,
    provider: new ScriptedProvider(),
    priority: 0,
    requestBytes: 0,
  });
  return new PendingRequest(generation, {
    id,
    caller,
    createdAt,
    cacheStatus: 'miss',
    ignoredFields: [],
    droppedFields: [],
    detached: false,
    conversation: undefined,
  });
}

const registry = {
  clock: new ManualClock(),
  read: (pending: PendingRequest, onChange: () => void) => pending.generation.log.listen(onChange),
};

function queued(queue_position: number): QueueStatusEvent {
  return { type: 'status', status: 'queued', queue_position, queue_length: 9, estimated_wait_time: 0 };
}

describe('GenerationLog', () => {
  it('numbers events from one, and ends with one final event', () => {
    const log = new GenerationLog();
    log.append({ type: 'thinking', text: 'a' });
    log.append({ type: 'content', text: 'b' });
    log.append({ type: 'content', text: 'c' });
    expect([log.lastNumber, log.ended, log.text('content'), log.text('thinking')]).toEqual([3, false, 'bc', 'a']);
    log.append(DONE);
    expect([log.lastNumber, log.ended, log.eventAt(4)]).toEqual([4, true, DONE]);
    expect(() => log.append(DONE)).toThrow();
  });

  it('keeps the newest status next to its events, without a number, until it ends', () => {
    const log = new GenerationLog();
    const calls: (number | undefined)[] = [];
    log.listen(() => calls.push(log.status?.queue_position));
    log.setStatus(queued(2));
    log.setStatus(queued(1));
    log.append({ type: 'content', text: 'x' });
    expect([log.lastNumber, log.eventAt(1), log.status]).toEqual([1, { type: 'content', text: 'x' }, queued(1)]);
    log.append(DONE);
    expect([log.lastNumber, log.status, calls]).toEqual([2, undefined, [2, 1, 1, undefined]]);
    expect(() => log.setStatus(queued(1))).toThrow();
  });

  it('gives every reader the same events, whenever it joins, however it reads, and whatever the queue does', () => {
    const action = fc.oneof(
      { weight: 2, arbitrary: fc.record({ do: fc.constant('status' as const), position: fc.nat(9) }) },
      { weight: 3, arbitrary: fc.string({ minLength: 1 }).map((text) => ({ do: 'append' as const, text })) },
      fc.record({ do: fc.constant('join' as const), after: fc.nat(20) }),
      fc.record({ do: fc.constant('read' as const), reader: fc.nat(9), most: fc.integer({ min: 1, max: 5 }) }),
    );
    fc.assert(
      fc.property(fc.array(action, { maxLength: 100 }), (actions) => {
        const pending = pendingRequest();
        const { log } = pending.generation;
        const readers: { reader: LogReader; from: number; got: GenerationEvent[]; numbers: number[] }[] = [];
        const read = ({ reader, got, numbers }: (typeof readers)[number], most: number) => {
          let count = 0;
          reader.read((event, number) => {
            got.push(event);
            numbers.push(number);
            count += 1;
            return count < most;
          });
        };
        const appended: LogEvent[] = [];
        const statuses: QueueStatusEvent[] = [];
        for (const step of actions) {
          if (step.do === 'status') {
            const status = queued(step.position);
            log.setStatus(status);
            statuses.push(status);
          } else if (step.do === 'append') {
            const event: LogEvent = { type: 'content', text: step.text };
            log.append(event);
            appended.push(event);
          } else if (step.do === 'join') {
            const from = Math.min(step.after, log.lastNumber);
            readers.push({ reader: new LogReader(registry, pending, from), from, got: [], numbers: [] });
          } else {
            const one = readers[step.reader];
            if (one !== undefined) read(one, step.most);
          }
        }
        log.append(DONE);
        for (const one of readers) {
          read(one, Number.POSITIVE_INFINITY);
          const isStatus = one.got.map(({ type }) => type === 'status');
          const events = one.got.filter((_, index) => isStatus[index] === false);
          expect(events).toEqual([...appended, DONE].slice(one.from));
          // Each event counts one, a status none.
          let number = one.from;
          for (const [index, got] of one.numbers.entries()) {
            if (isStatus[index] === false) number += 1;
            expect(got).toBe(number);
          }
          // Some of the statuses, in their order, each once.
          const places = one.got.flatMap((event) => (event.type === 'status' ? [statuses.indexOf(event)] : []));
          expect(places).toEqual([...new Set(places)].sort((a, b) => a - b));
          expect(places).not.toContain(-1);
          expect(one.reader.ended).toBe(true);
          one.reader.close();
        }
      }),
    );
  });

  it('counts log probabilities, which may be much larger than their text', () => {
    const log = new GenerationLog();
    const others = Array.from({ length: 20 }, () => ({ token: 'b', logprob: -2 }));
    const before = log.bytes;
    log.append({ type: 'logprobs', logprobs: [{ token: 'a', logprob: -1, top_logprobs: others }] });
    expect(log.bytes - before).toBeGreaterThan(21 * 150);
    expect(log.logprobs()).toEqual([{ token: 'a', logprob: -1, top_logprobs: others }]);
  });
});
