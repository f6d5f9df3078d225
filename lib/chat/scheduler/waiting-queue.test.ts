import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type QueueItem, type QueueLimits, WaitingQueue } from '#lib/chat/scheduler/waiting-queue';

function queue(limits: Partial<QueueLimits> = {}): WaitingQueue<QueueItem> {
  return new WaitingQueue({
    maxSize: 1_000,
    maxBytes: 1_000_000,
    maxCallerBytes: 1_000_000,
    batch: { maxSize: 1, timeoutMs: 0 },
    ...limits,
  });
}

function request(id: string | number, fields: Partial<QueueItem> = {}): QueueItem {
  return { id: String(id), caller: 'ann', priority: 0, group: 'm', bytes: 1, ...fields };
}

/** Adds if the limits allow it; returns the displaced items. */
function offer(line: WaitingQueue<QueueItem>, item: QueueItem, isDisplaceable = (_: QueueItem) => true) {
  const { caller, bytes } = item;
  const room = line.checkCapacity({
    caller,
    bytes,
    takesPlace: true,
    reserved: { total: 0, caller: 0 },
    isDisplaceable,
  });
  if ('full' in room) return room.full;
  for (const { id } of room.displaced) line.remove(id);
  line.add(item, 0);
  return room.displaced.map(({ id }) => id);
}

function drain(line: WaitingQueue<QueueItem>, now = 0): string[] {
  const ids: string[] = [];
  for (let next = line.take(now); next !== undefined; next = line.take(now)) ids.push(next.id);
  return ids;
}

type Step =
  | { do: 'add'; caller: string; priority: number; group: string }
  | { do: 'take' }
  | { do: 'remove' | 'raise'; which: number }
  | { do: 'pass'; ms: number };

const add = fc.record({
  do: fc.constant('add' as const),
  caller: fc.constantFrom('ann', 'ben', 'cid'),
  priority: fc.integer({ min: -10, max: 10 }),
  group: fc.constantFrom('m1', 'm2'),
});
const take = fc.record({ do: fc.constant('take' as const) });
const pick = fc.record({ do: fc.constantFrom('remove' as const, 'raise' as const), which: fc.nat(40) });
const pass = fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 0, max: 4_000 }) });
const steps: fc.Arbitrary<Step[]> = fc.array(fc.oneof({ weight: 4, arbitrary: add }, take, pick, pass), {
  maxLength: 120,
});

describe('WaitingQueue', () => {
  it('serves by priority, and first come, first served within one', () => {
    const line = queue();
    for (const [id, priority] of [0, -3, 5, 0, 5, 10].entries()) line.add(request(id, { priority }), 0);
    expect(drain(line)).toEqual(['5', '2', '4', '0', '3', '1']);
  });

  it('alternates between callers, so that a hundred requests of one do not starve another', () => {
    const line = queue();
    for (let n = 0; n < 100; n += 1) line.add(request(`a${n}`), 0);
    expect([line.take(0)?.id, line.take(0)?.id]).toEqual(['a0', 'a1']);
    line.add(request('b0', { caller: 'ben' }), 0);
    line.add(request('b1', { caller: 'ben' }), 0);
    line.add(request('c0', { caller: 'cid' }), 0);
    expect(line.position('b0')).toBe(1);
    expect(drain(line).slice(0, 6)).toEqual(['b0', 'c0', 'a2', 'b1', 'a3', 'a4']);
  });

  it('does not charge a caller for cancelled requests', () => {
    const line = queue();
    for (let n = 0; n < 50; n += 1) line.add(request(`a${n}`), 0);
    line.add(request('b0', { caller: 'ben' }), 0);
    line.add(request('b1', { caller: 'ben' }), 0);
    for (let n = 0; n < 50; n += 1) line.remove(`a${n}`);
    line.add(request('a-again'), 0);
    expect(drain(line)).toEqual(['b0', 'a-again', 'b1']);
  });

  it('is bounded, and holds each id once', () => {
    const line = queue({ maxSize: 2 });
    expect([1, 2, 3].map((id) => offer(line, request(id)))).toEqual([[], [], 'requests']);
    expect(() => line.add(request(1), 0)).toThrow();
  });

  it('loses and repeats no request, keeps its bound, and reports every position', () => {
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 4 }), (script, batchSize) => {
        const line = queue({ maxSize: 30, batch: { maxSize: batchSize, timeoutMs: 500 } });
        const waiting = new Set<string>();
        let now = 0;
        for (const [id, step] of script.entries()) {
          if (step.do === 'pass') now += step.ms;
          else if (step.do === 'add') {
            if (waiting.size >= 30) continue;
            line.add(request(id, step), now);
            waiting.add(String(id));
          } else if (step.do === 'take') {
            const next = line.take(now);
            expect(next === undefined).toBe(waiting.size === 0);
            if (next !== undefined) expect(waiting.delete(next.id)).toBe(true);
          } else {
            const id = [...waiting][step.which] ?? 'nobody';
            if (step.do === 'raise') line.raisePriority(id, 2);
            else expect(line.remove(id)?.id).toBe(waiting.delete(id) ? id : undefined);
          }
          const order = [...line.waiting()].map(({ item }) => item.id);
          expect(new Set(order)).toEqual(waiting);
          expect(order).toHaveLength(line.size);
          for (const [index, id] of order.entries()) expect(line.position(id)).toBe(index + 1);
        }
        expect(new Set(drain(line, now))).toEqual(waiting);
        expect(line.position('nobody')).toBeUndefined();
      }),
    );
  });

  it('keeps the order of arrival for each caller within a priority, whatever time passes', () => {
    fc.assert(
      fc.property(steps, (script) => {
        const line = queue();
        const served = new Map<string, number>();
        let now = 0;
        const check = () => {
          const next = line.take(now);
          if (next === undefined) return;
          const lane = `${next.caller}/${next.priority}`;
          expect(Number(next.id)).toBeGreaterThan(served.get(lane) ?? -1);
          served.set(lane, Number(next.id));
        };
        for (const [id, step] of script.entries()) {
          if (step.do === 'pass') now += step.ms;
          else if (step.do === 'add') line.add(request(id, step), now);
          else if (step.do === 'take') check();
        }
        while (line.size > 0) check();
      }),
    );
  });

  it('displaces the newest request of the caller with the largest share', () => {
    const line = queue({ maxSize: 4 });
    for (const id of ['a1', 'a2', 'a3']) expect(offer(line, request(id))).toEqual([]);
    expect(offer(line, request('b1', { caller: 'ben' }))).toEqual([]);
    expect(offer(line, request('a4'))).toBe('requests');
    expect(offer(line, request('b2', { caller: 'ben' }))).toEqual(['a3']);
    // Two each: no request is displaced for a caller who would then have more.
    expect(offer(line, request('b3', { caller: 'ben' }))).toBe('requests');
    expect(offer(line, request('c1', { caller: 'cid' }))).toEqual(['a2']);
    expect(offer(line, request('d1', { caller: 'dan' }))).toEqual(['b2']);
    expect(offer(line, request('e1', { caller: 'eve' }))).toBe('requests');
    expect(new Set(drain(line))).toEqual(new Set(['a1', 'b1', 'c1', 'd1']));
  });

  it('does not displace a request that other callers share', () => {
    const line = queue({ maxSize: 3 });
    for (const id of ['a1', 'a2', 'a3']) offer(line, request(id));
    expect(offer(line, request('b1', { caller: 'ben' }), ({ id }) => id !== 'a3')).toEqual(['a2']);
    expect(offer(line, request('c1', { caller: 'cid' }), () => false)).toBe('requests');
  });

  it('bounds the bytes of all requests and of one caller by the same rule', () => {
    const line = queue({ maxBytes: 100, maxCallerBytes: 60 });
    for (const id of ['a1', 'a2', 'a3']) expect(offer(line, request(id, { bytes: 20 }))).toEqual([]);
    expect(offer(line, request('a4', { bytes: 1 }))).toBe('caller');
    expect(offer(line, request('b1', { caller: 'ben', bytes: 30 }))).toEqual([]);
    expect(offer(line, request('b2', { caller: 'ben', bytes: 20 }))).toBe('bytes');
    expect(offer(line, request('c1', { caller: 'cid', bytes: 30 }))).toEqual(['a3']);
    expect(line.bytes).toBe(100);
    drain(line);
    expect(line.bytes).toBe(0);
  });

  it('never displaces for a caller with an equal or larger share, and never goes in circles', () => {
    const offers = fc.array(fc.tuple(fc.constantFrom('ann', 'ben', 'cid', 'dan'), fc.integer({ min: 1, max: 9 })), {
      maxLength: 80,
    });
    fc.assert(
      fc.property(offers, (script) => {
        const line = queue({ maxSize: 12, maxBytes: 40, maxCallerBytes: 30 });
        const all = new Map<string, QueueItem>();
        const held = (caller: string, of: (item: QueueItem) => number) =>
          [...line.waiting()].reduce((sum, { item }) => sum + (item.caller === caller ? of(item) : 0), 0);
        for (const [id, [caller, bytes]] of script.entries()) {
          const item = request(id, { caller, bytes });
          all.set(item.id, item);
          const displaced = offer(line, item);
          if (typeof displaced === 'string') continue;
          for (const other of displaced) {
            const victim = all.get(other)?.caller ?? '';
            const more = (of: (item: QueueItem) => number) => held(victim, of) >= held(caller, of);
            expect(more(() => 1) || more((one) => one.bytes)).toBe(true);
          }
          expect(line.size).toBeLessThanOrEqual(12);
          expect(line.bytes).toBeLessThanOrEqual(40);
        }
      }),
    );
  });

  it('moves a raised request to where its new priority would have put it', () => {
    const line = queue();
    for (const id of ['a0', 'a1', 'a2']) line.add(request(id), 0);
    line.raisePriority('a2', 2);
    line.raisePriority('nobody', 2);
    expect(drain(line)).toEqual(['a2', 'a0', 'a1']);
  });

  it('returns nothing if the first request does not fit, and skips batch members that do not fit', () => {
    const line = queue({ batch: { maxSize: 3, timeoutMs: 500 } });
    line.add(request('x1', { group: 'x' }), 0);
    line.add(request('y', { group: 'y' }), 0);
    line.add(request('x2', { group: 'x', bytes: 9 }), 0);
    const isSmall = ({ bytes }: QueueItem) => bytes < 9;
    expect([line.take(0, isSmall)?.id, line.take(0, isSmall)?.id, line.take(0, isSmall)]).toEqual([
      'x1',
      'y',
      undefined,
    ]);
    expect(line.take(0)?.id).toBe('x2');
  });

  it('keeps no state of requests that have left', () => {
    const line = queue({ maxSize: 20_000 });
    for (let n = 0; n < 10_000; n += 1) line.add(request(n, { caller: `c${n % 100}`, priority: (n % 21) - 10 }), n);
    for (let n = 0; n < 10_000; n += 2) line.remove(String(n));
    expect(line.size).toBe(5_000);
    expect(new Set(drain(line, 10_000)).size).toBe(5_000);
    expect([line.size, line.take(20_000)]).toEqual([0, undefined]);
  });
});

describe('batches', () => {
  const batch = { maxSize: 3, timeoutMs: 500 };

  it('release requests for the same model together, up to the batch size', () => {
    const line = queue({ batch });
    for (const [id, group] of ['x', 'y', 'x', 'y', 'x', 'x', 'y'].entries()) line.add(request(id, { group }), 0);
    expect(drain(line)).toEqual(['0', '2', '4', '1', '3', '6', '5']);
    expect(line.releasedBatches).toEqual({ batches: 3, requests: 7 });
  });

  it('skip no request for longer than the timeout', () => {
    const line = queue({ batch: { maxSize: 100, timeoutMs: 500 } });
    for (const [id, group] of ['x', 'y', 'x', 'x', 'x'].entries()) line.add(request(id, { group }), 0);
    expect([line.take(0)?.id, line.take(10)?.id, line.take(509)?.id, line.take(510)?.id]).toEqual(['0', '2', '3', '1']);
  });

  it('never move a request ahead of one of a higher level', () => {
    const line = queue({ batch });
    for (const id of ['x1', 'x2']) line.add(request(id, { group: 'x' }), 0);
    expect(line.take(0)?.id).toBe('x1');
    line.add(request('y', { group: 'y', priority: 1 }), 0);
    line.add(request('x3', { group: 'x', priority: 1 }), 0);
    expect(drain(line)).toEqual(['x3', 'y', 'x2']);
    for (const id of ['x4', 'x5']) line.add(request(id, { group: 'x' }), 0);
    expect(line.take(0)?.id).toBe('x4');
    line.add(request('y', { group: 'y', priority: 1 }), 0);
    expect(drain(line)).toEqual(['y', 'x5']);
  });

  it('have one request while the queue is empty', () => {
    const line = queue({ batch });
    line.recordImmediateStart(request(0));
    line.add(request(1), 0);
    line.take(0);
    line.add(request(2), 0);
    line.take(0);
    expect(line.releasedBatches).toEqual({ batches: 3, requests: 3 });
  });
});
