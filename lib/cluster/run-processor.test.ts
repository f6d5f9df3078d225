import { expect, it, vi } from 'vitest';
import { Generation } from '#lib/chat/generation/generation';
import type { EntryEvent } from '#lib/cluster/run-format';
import { RunWork } from '#lib/cluster/run-processor';

it('ends a run that can never begin, so that it does not hold its slot', async () => {
  const ended: string[] = [];
  let tries = 0;
  const work = new RunWork({
    link: { instanceId: 'this', connection: { isUsable: true }, instanceIds: () => ['this'] },
    store: {
      find: async () => ({ attempt: 0, model: 'm', owner: '' }),
      lastEntry: async () => undefined,
      wishes: async () => [{ wanted: 1, tickets: 1, cancelledBy: undefined }],
      // Of a version that writes requests in another way.
      readRequest: async () => {
        tries += 1;
        return Buffer.from('no request');
      },
      end: async (run: string, event: { error: { code: string } }) => ended.push(`${run} ${event.error.code}`),
    },
    mirrors: { get: () => undefined },
    clock: { now: () => 0, after: () => () => {} },
    laneOf: () => ({}),
    alone: () => ({ get: () => undefined }),
    log: { error: () => {} },
  } as unknown as ConstructorParameters<typeof RunWork>[0]);
  const signal = new AbortController().signal;
  expect(await work.process({ run: 'run', lane: 'lane', stalled: 0, signal })).toBe('ended');
  expect([tries, ended]).toEqual([5, ['run worker_lost']]);
}, 10_000);

/** A run that this instance has begun by itself, with a Redis that knows `stored` of it. */
function begunAlone(text: string, stored: object | undefined, other: { text?: boolean; textSince?: boolean } = {}) {
  const calls: string[] = [];
  const clock = { now: () => 0, after: () => () => {} };
  const generation = new Generation(
    { id: 'run', caller: 'ann', group: '', model: 'm', createdAt: 0, key: undefined, priority: 0, requestBytes: 0 },
    { clock, graceMs: 1_000, onDone: () => {} },
  );
  if (text !== '') generation.log.append({ type: 'content', text });
  const work = new RunWork({
    link: { instanceId: 'this', connection: { isUsable: true }, instanceIds: () => ['this', 'other'] },
    store: {
      find: async () => stored,
      lastEntry: async () => (other.text === true ? { id: { attempt: 1, number: 3 }, events: [] } : undefined),
      hasTextBefore: async () => other.textSince === true,
      createAgain: async () => calls.push('created'),
      addTicket: async (_run: string, { id }: { id: string }) => calls.push(`ticket ${id}`),
      beginAttempt: async () => 2,
      appendStarted: async () => calls.push('started'),
      append: async (_run: string, _id: unknown, events: readonly EntryEvent[]) =>
        calls.push(events.map((event) => ('text' in event ? event.text : event.type)).join('')),
      end: async () => calls.push('ended'),
    },
    mirrors: { own: () => calls.push('owned') },
    clock,
  } as unknown as ConstructorParameters<typeof RunWork>[0]);
  const requests = new Set([
    { id: 'a', isCopy: false },
    { id: 'copy', isCopy: true },
    { id: 'left', isCopy: false, cancelledAt: 1 },
  ]);
  const adopt = () =>
    work.adopt({ generation, lane: 'lane', requests } as unknown as Parameters<RunWork['adopt']>[0]);
  return { adopt, calls };
}

const WAITS = { attempt: 0, owner: '' };
const BEGUN = { attempt: 1, owner: 'other' };

it('writes what it has of a run that waits, and of one that Redis has lost', async () => {
  const waiting = begunAlone('text', WAITS);
  expect(await waiting.adopt()).toBe(true);
  await vi.waitFor(() => expect(waiting.calls).toEqual(['ticket a', 'started', 'owned', 'text']));
  const lost = begunAlone('', undefined);
  expect(await lost.adopt()).toBe(true);
  expect(lost.calls).toEqual(['created', 'started', 'owned']);
});

it.each([
  { text: '', other: {}, isAdopted: false },
  { text: 'ours', other: {}, isAdopted: true },
  { text: 'ours', other: { text: true }, isAdopted: false },
  { text: '', other: { text: true }, isAdopted: false },
])('takes a run from another instance if it alone has text of it: %o', async ({ text, other, isAdopted }) => {
  const { adopt, calls } = begunAlone(text, BEGUN, other);
  expect(await adopt()).toBe(isAdopted);
  expect(calls.includes('started')).toBe(isAdopted);
});

it('ends a run to which another instance has written in the last moment', async () => {
  const { adopt, calls } = begunAlone('ours', BEGUN, { textSince: true });
  expect(await adopt()).toBe(false);
  expect(calls).toEqual(['ticket a', 'started', 'ended']);
});
