import { expect, it, vi } from 'vitest';
import { ALONE_OFFSET } from '#lib/chat/generation/event-numbers';
import { Generation } from '#lib/chat/generation/generation';
import { WORKER_LOST } from '#lib/cluster/lost-runs';
import { type EntryEvent, type EntryId, parseEntryId } from '#lib/cluster/run-format';
import { RunWork } from '#lib/cluster/run-processor';
import { supersede } from '#lib/cluster/superseded';
import { ManualClock, settled } from '../../test/support/chat.ts';

const recordOf = (stored: object, last?: object, request?: Buffer | null) => ({
  ...{ stored, last, request },
  ...{ wanted: 1, tickets: 1 },
});

const takenRun = (run: string, signal: AbortSignal) => ({ run, lane: 'lane', stalled: 0, isFirst: false, signal });

it('ends a run that can never begin, so that it does not hold its slot', async () => {
  const ended: string[] = [];
  let tries = 0;
  const work = new RunWork({
    link: { instanceId: 'this', connection: { isUsable: true }, instanceIds: () => ['this'] },
    store: {
      // Of a version that writes requests in another way.
      readTaken: async () => {
        tries += 1;
        return recordOf({ attempt: 0, model: 'm', owner: '' }, undefined, Buffer.from('no request'));
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
  expect(await work.process(takenRun('run', signal))).toBe('ended');
  expect([tries, ended]).toEqual([5, ['run worker_lost']]);
}, 10_000);

it('begins a run once whose job it gets again while it begins it', async () => {
  const begun = Promise.withResolvers<void>();
  // An earlier owner is lost, and is refused before anything is begun.
  const stored = { attempt: 1, model: 'm', owner: 'lost' };
  let last: { id: EntryId; events: EntryEvent[] } | undefined;
  let attempts = 0;
  let isCancelled = false;
  const work = new RunWork({
    link: { instanceId: 'this', connection: { isUsable: true }, instanceIds: () => ['this'] },
    store: {
      readTaken: async () => recordOf(stored, last),
      untouchedFor: async () => undefined,
      begin: async (_run: string, expected: number) => {
        attempts += 1;
        stored.attempt = expected;
        stored.owner = 'this';
        // The process is busy: another look at Redis comes in between.
        await begun.promise;
        return expected;
      },
      end: async () => {
        last = { id: { attempt: 2, number: 1 }, events: [WORKER_LOST] };
      },
      finalize: async () => {},
    },
    mirrors: {
      get: () => ({ generation: { packedRequest: isCancelled ? undefined : {}, log: { lastNumber: 0 } } }),
    },
    clock: { now: () => 0, after: () => () => {} },
    laneOf: () => ({ server: { id: 'lane' } }),
    alone: () => ({ get: () => undefined }),
    log: { error: () => {} },
  } as unknown as ConstructorParameters<typeof RunWork>[0]);
  const taken = () => takenRun('run', new AbortController().signal);
  const first = work.process(taken());
  await vi.waitFor(() => expect(attempts).toBe(1));
  const second = work.process(taken());
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect([attempts, work.isTaking('run')]).toEqual([1, true]);
  // That ends it without a call.
  isCancelled = true;
  begun.resolve();
  expect(await first).toBe('ended');
  expect(work.isTaking('run')).toBe(true);
  expect(await second).toBe('ended');
  expect([attempts, work.isTaking('run')]).toEqual([1, false]);
}, 10_000);

/** A run that this instance has begun by itself, with a Redis that knows `stored` of it. */
function begunAlone(
  text: string,
  stored: object | undefined,
  other: { text?: boolean; textSince?: boolean; isCancelled?: boolean } = {},
) {
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
      touch: async () => {},
      addTicket: async (_run: string, request: { id: string; cancelledAt?: number }) => {
        calls.push(`ticket ${request.id}`);
        if (other.isCancelled === true) request.cancelledAt = 1;
      },
      cancelTicket: async (id: string) => calls.push(`cancelled ${id}`),
      beginAttempt: async (_run: string, step: number) => ((stored as { attempt?: number })?.attempt ?? 0) + step,
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
  const adopt = () => work.adopt({ generation, lane: 'lane', requests } as unknown as Parameters<RunWork['adopt']>[0]);
  return { adopt, calls, generation };
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

it.each([undefined, WAITS, BEGUN])(
  'numbers what it has of a run of %o as Redis does, above all before',
  async (stored) => {
    const { adopt, generation } = begunAlone('ours', stored);
    generation.eventOffset = ALONE_OFFSET;
    expect(await adopt()).toBe(true);
    expect(generation.eventOffset).toBe(2 ** 20);
  },
);

it('becomes the owner once, also when its worker gets the job in the same moment', async () => {
  const { adopt, calls } = begunAlone('', WAITS);
  expect(await Promise.all([adopt(), adopt()])).toEqual([true, true]);
  expect(calls.filter((call) => call === 'started')).toHaveLength(1);
});

it('leaves a request cancelled that was cancelled while it became the owner', async () => {
  const { adopt, calls } = begunAlone('ours', WAITS, { isCancelled: true });
  await adopt();
  expect(calls.slice(0, 3)).toEqual(['ticket a', 'started', 'cancelled a']);
});

const STARTED: EntryEvent = { type: 'started', server: 'server', model: 'm' };

/** A run that this instance works on, over a log that another one may write too. */
async function begun() {
  const clock = new ManualClock();
  const entries: { id: EntryId; events: readonly EntryEvent[] }[] = [];
  const append = (id: string, ...events: EntryEvent[]) => void entries.push({ id: parseEntryId(id), events });
  const state = { isAway: false, owner: 'this' };
  const generation = new Generation(
    {
      ...{ id: 'run', caller: 'ann', group: '', model: 'm', createdAt: 0, key: undefined, priority: 0 },
      ...{ requestBytes: 0, request: { model: 'm', messages: [], options: {} } as never },
    },
    { clock, graceMs: 1_000, onDone: () => {} },
  );
  const request = { goesOnElsewhere: false };
  const forgotten: unknown[] = [];
  const inFlight = { requestsOf: () => [request], forget: (one: unknown) => forgotten.push(one) };
  const work = new RunWork({
    link: { instanceId: 'this', connection: { isUsable: true }, instanceIds: () => ['this'] },
    store: {
      readTaken: async () => recordOf({ attempt: 0, model: 'm', owner: '' }, entries.at(-1)),
      lastEntry: async () => entries.at(-1),
      wishes: async () => [{ wanted: 1, tickets: 1, cancelledBy: undefined, owner: state.owner }],
      begin: async () => {
        append('1-0', STARTED);
        return 1;
      },
      append: async (_: string, id: EntryId, events: readonly EntryEvent[]) => {
        if (state.isAway) throw new Error('Redis does not respond.');
        const last = entries.at(-1)?.id;
        if (last !== undefined && last.attempt > id.attempt)
          throw Object.assign(new Error('ERR ... is equal or smaller than ...'), { name: 'ReplyError' });
        entries.push({ id, events });
      },
      touch: async () => {},
    },
    mirrors: {
      ...{ get: () => ({ generation }), own: () => {}, all: () => [] },
      supersede: (one: Generation) => supersede(one, inFlight as unknown as Parameters<typeof supersede>[1]),
    },
    inFlight,
    clock,
    alone: () => ({ get: () => undefined }),
    laneOf: () => ({ server: { id: 'server' }, hasSlot: true }),
    local: { admit: () => {} },
    log: { error: () => {} },
  } as unknown as ConstructorParameters<typeof RunWork>[0]);
  const lock = new AbortController();
  const outcome = work.process(takenRun('run', lock.signal));
  await settled();
  return { clock, append, state, generation, request, forgotten, lock, outcome, work };
}

const lastOf = ({ log }: Generation) => log.eventAt(log.lastNumber);

it('sends readers of a text away that Redis does not have, when another server has begun the run again', async () => {
  const { clock, append, state, generation, request, forgotten, outcome } = await begun();
  state.isAway = true;
  generation.log.append({ type: 'content', text: 'read here alone' });
  await settled();
  append('2-0', STARTED);
  state.isAway = false;
  await clock.advance(1_000);
  expect(await outcome).toBe('ended');
  // Its requests pause at this end, and come back to the attempt that goes on.
  expect(lastOf(generation)).toMatchObject({ type: 'error', error: { code: 'shutting_down' } });
  expect([request.goesOnElsewhere, forgotten]).toEqual([true, [request]]);
});

it('ends a run as another server has ended it', async () => {
  const { clock, append, state, generation, request, outcome } = await begun();
  state.isAway = true;
  generation.log.append({ type: 'content', text: 'more than Redis has' });
  await settled();
  append('2-1', WORKER_LOST);
  state.isAway = false;
  await clock.advance(1_000);
  expect(await outcome).toBe('ended');
  expect(lastOf(generation)).toEqual(WORKER_LOST);
  expect([generation.endOffset, request.goesOnElsewhere]).toEqual([2 ** 20, false]);
});

it('ends its call once it has lost its job and another server has begun, although the model is silent', async () => {
  const { clock, append, generation, lock, outcome } = await begun();
  const { signal } = generation;
  lock.abort();
  await settled();
  // The other server may hold the job for as long as this one is there.
  expect(generation.finishedAt).toBeUndefined();
  append('2-0', STARTED);
  await clock.advance(1_000);
  expect(await outcome).toBe('ended');
  expect(signal.aborted).toBe(true);
});

it('does not begin a run whose job is another worker’s', async () => {
  const { work } = await begun();
  const signal = AbortSignal.abort();
  expect(await work.process(takenRun('another', signal))).toBe('ended');
});

it('goes on while another server is to begin its run, and ends with its readers sent there once that has', async () => {
  const { clock, append, state, generation, request, outcome } = await begun();
  generation.log.append({ type: 'content', text: 'a' });
  state.owner = 'other';
  await clock.advance(2_000);
  expect(generation.finishedAt).toBeUndefined();
  append('2-0', STARTED);
  await clock.advance(1_000);
  expect(await outcome).toBe('ended');
  expect(request.goesOnElsewhere).toBe(true);
});
