import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FairTurns, sortKeyOf } from '#lib/chat/scheduler/fair-queueing';
import { type QueueItem, WaitingQueue } from '#lib/chat/scheduler/waiting-queue';

const CALLERS = ['ann', 'ben', 'cid', 'dan'];

function line(): WaitingQueue<QueueItem> {
  return new WaitingQueue({
    maxSize: 100_000,
    maxBytes: 1e9,
    maxCallerBytes: 1e9,
    batch: { maxSize: 1, timeoutMs: 0 },
  });
}

let ids = 0;
function request(caller: string, priority = 0): QueueItem {
  ids += 1;
  return { id: `r${ids}`, caller, priority, group: 'm', bytes: 1 };
}

type Step =
  | { do: 'add'; caller: string; priority: number; burst: number }
  | { do: 'take' }
  | { do: 'cancel'; at: number };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant('add' as const),
        caller: fc.constantFrom(...CALLERS),
        priority: fc.constantFrom(-10, 0, 0, 0, 3, 10),
        burst: fc.constantFrom(1, 1, 1, 2, 30),
      }),
    },
    { weight: 6, arbitrary: fc.record({ do: fc.constant('take' as const) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('cancel' as const), at: fc.nat(1_000) }) },
  ),
  { maxLength: 200 },
);

/** Plays `script` to its end, then serves all waiting requests. */
function play(
  script: readonly Step[],
  on: { added?: (item: QueueItem) => void; taken?: (item: QueueItem) => void },
): void {
  const queue = line();
  const waiting = new Map<string, QueueItem>();
  const serve = () => {
    const next = queue.take(0);
    if (next === undefined) return;
    waiting.delete(next.id);
    on.taken?.(next);
  };
  for (const step of script) {
    if (step.do === 'take') serve();
    else if (step.do === 'add')
      for (let n = 0; n < step.burst; n += 1) {
        const item = request(step.caller, step.priority);
        on.added?.(item);
        queue.add(item, 0);
        waiting.set(item.id, item);
      }
    else {
      const item = [...waiting.values()][step.at % Math.max(1, waiting.size)];
      if (item !== undefined && queue.remove(item.id) !== undefined) waiting.delete(item.id);
    }
  }
  while (queue.size > 0) serve();
}

describe('the queue order', () => {
  it('is first come, first served for one caller and one priority', () => {
    fc.assert(
      fc.property(steps, (script) => {
        const served = new Map<string, number>();
        play(script, {
          taken({ id, caller, priority }) {
            const lane = `${caller}/${priority}`;
            const number = Number(id.slice(1));
            expect(number).toBeGreaterThan(served.get(lane) ?? -1);
            served.set(lane, number);
          },
        });
      }),
    );
  });

  it('makes a newcomer wait for at most two requests of any other caller of its priority', () => {
    fc.assert(
      fc.property(steps, (script) => {
        const waiting = new Map<string, number>();
        const newcomers = new Map<string, { item: QueueItem; ahead: Map<string, number> }>();
        const lane = ({ caller, priority }: QueueItem) => `${caller}/${priority}`;
        play(
          script.filter((step) => step.do !== 'cancel'),
          {
            added(item) {
              const own = waiting.get(lane(item)) ?? 0;
              waiting.set(lane(item), own + 1);
              if (own === 0) newcomers.set(item.id, { item, ahead: new Map() });
            },
            taken(item) {
              waiting.set(lane(item), (waiting.get(lane(item)) ?? 1) - 1);
              newcomers.delete(item.id);
              for (const { item: other, ahead } of newcomers.values()) {
                if (other.priority !== item.priority || other.caller === item.caller) continue;
                const count = (ahead.get(item.caller) ?? 0) + 1;
                ahead.set(item.caller, count);
                expect(count).toBeLessThanOrEqual(2);
              }
            },
          },
        );
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    [1, 1 / 2],
    [3, 1 / 4],
    [10, 1 / 11],
    [50, 1 / 51],
  ])('shares the starts of a long backlog equally with %i callers who have one request each', (others, share) => {
    const queue = line();
    for (let n = 0; n < 99; n += 1) queue.add(request('ann'), 0);
    for (let n = 0; n < others; n += 1) queue.add(request(`other ${n}`), 0);
    const starts = 10 * (others + 1);
    let ofAnn = 0;
    for (let n = 0; n < starts; n += 1) {
      const taken = queue.take(0);
      if (taken?.caller === 'ann') ofAnn += 1;
      else queue.add(request(taken?.caller ?? ''), 0);
    }
    expect(Math.abs(ofAnn - starts * share)).toBeLessThanOrEqual(1);
  });

  it.each([
    ['that wait many at a time', 50],
    ['that come one at a time', 1],
  ])('loses nothing under endless new callers of the highest priority, %s', (_, others) => {
    const queue = line();
    let callers = 0;
    const newcomer = () => {
      callers += 1;
      queue.add(request(`caller ${callers}`, 10), 0);
    };
    queue.add(request('patient', -10), 0);
    for (let n = 0; n < others; n += 1) newcomer();
    let starts = 0;
    for (let next = queue.take(0); next?.caller !== 'patient'; next = queue.take(0)) {
      starts += 1;
      newcomer();
    }
    // 20 levels of four turns, each worth at most max(16, waiting) starts.
    expect(starts).toBeLessThanOrEqual(81 * Math.max(16, others + 1) + others);
    expect(starts).toBeGreaterThan(81);
  });

  it.each([
    [2, 31],
    [10, 31],
    [30, 1],
    [10, 121],
  ])('starts a newcomer next, %i s an response and %i s into a backlog of 99', (secondsEach, arrival) => {
    const queue = line();
    queue.recordImmediateStart(request('ann'));
    for (let n = 0; n < 99; n += 1) queue.add(request('ann'), 0);
    let isThere = false;
    // One response runs from 0; the next starts when it ends.
    for (let now = secondsEach, ahead = 0; ; now += secondsEach) {
      if (!isThere && now > arrival) {
        queue.add(request('ben'), arrival);
        isThere = true;
      }
      const next = queue.take(now);
      if (next?.caller === 'ben') {
        expect({ ahead, waited: now - arrival }).toEqual({ ahead: 0, waited: expect.any(Number) });
        expect(now - arrival).toBeLessThan(secondsEach);
        return;
      }
      if (isThere) ahead += 1;
    }
  });

  it('counts a level of priority as four turns', () => {
    const queue = line();
    queue.add(request('ben', 0), 0);
    for (let n = 0; n < 8; n += 1) queue.add(request('ann', 1), 0);
    const order: string[] = [];
    while (queue.size > 0) order.push(queue.take(0)?.caller ?? '');
    expect(order.join(' ')).toBe('ann ann ann ann ben ann ann ann ann');
    expect([sortKeyOf(0, 10), sortKeyOf(0, 0), sortKeyOf(3, -10)]).toEqual([1, 41, 84]);
  });

  it('does not put newcomers behind their whole level after a burst of another priority', () => {
    const queue = line();
    for (let n = 0; n < 60; n += 1) queue.add(request('ann', 0), 0);
    for (let n = 0; n < 60; n += 1) queue.add(request('ben', 10), 0);
    for (let n = 0; n < 50; n += 1) queue.take(0);
    queue.add(request('cid', 0), 0);
    let ofAnn = 0;
    for (let next = queue.take(0); next?.caller !== 'cid'; next = queue.take(0)) if (next?.caller === 'ann') ofAnn += 1;
    expect(ofAnn).toBeLessThanOrEqual(2);
  });
});

describe('turns', () => {
  it('are refunded for cancelled requests, in any order', () => {
    const turns = new FairTurns();
    const taken = [0, 1, 2, 3].map(() => ({ caller: 'ann', priority: 0, turn: turns.assignTurn('ann', 0) }));
    expect(taken.map(({ turn }) => turn)).toEqual([0, 1, 2, 3]);
    const [first, second, third, fourth] = taken;
    if (first === undefined || second === undefined || third === undefined || fourth === undefined) throw new Error();
    turns.refundTurn(fourth);
    expect(turns.assignTurn('ann', 0)).toBe(3);
    turns.refundTurn({ ...fourth, turn: 3 });
    for (const turn of [first, second, third]) turns.refundTurn(turn);
    expect(turns.assignTurn('ann', 0)).toBe(0);
  });
});
