import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type QueueLimits, type Waiting, WaitingQueue } from '#lib/chat/queue';

const AGEING_MS = 1_000;
const MAX_PRIORITY = 10;

function queue(limits: Partial<QueueLimits> = {}): WaitingQueue<Waiting> {
  return new WaitingQueue({
    maxSize: 1_000,
    ageingMsPerLevel: AGEING_MS,
    batch: { maxSize: 1, timeoutMs: 0 },
    ...limits,
  });
}

function request(id: string | number, fields: Partial<Waiting> = {}): Waiting {
  return { id: String(id), caller: 'ann', priority: 0, group: 'm', ...fields };
}

function drain(line: WaitingQueue<Waiting>, now = 0): string[] {
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
const pass = fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 0, max: 4 * AGEING_MS }) });
const steps: fc.Arbitrary<Step[]> = fc.array(fc.oneof({ weight: 4, arbitrary: add }, take, pick, pass), {
  maxLength: 120,
});

describe('WaitingQueue', () => {
  it('serves by priority, first come first served within one', () => {
    const line = queue();
    for (const [id, priority] of [0, -3, 5, 0, 5, 10].entries()) line.add(request(id, { priority }), 0);
    expect(drain(line)).toEqual(['5', '2', '4', '0', '3', '1']);
  });

  it('lets callers alternate: a hundred requests of one do not starve another’s', () => {
    const line = queue();
    for (let n = 0; n < 100; n += 1) line.add(request(`a${n}`), 0);
    expect([line.take(0)?.id, line.take(0)?.id]).toEqual(['a0', 'a1']);
    line.add(request('b0', { caller: 'ben' }), 0);
    line.add(request('b1', { caller: 'ben' }), 0);
    line.add(request('c0', { caller: 'cid' }), 0);
    expect(line.position('b0', 0)).toBe(1);
    expect(drain(line).slice(0, 6)).toEqual(['b0', 'c0', 'a2', 'b1', 'a3', 'a4']);
  });

  it('does not hold cancelled requests against their caller', () => {
    const line = queue();
    for (let n = 0; n < 50; n += 1) line.add(request(`a${n}`), 0);
    line.add(request('b0', { caller: 'ben' }), 0);
    line.add(request('b1', { caller: 'ben' }), 0);
    for (let n = 0; n < 50; n += 1) line.remove(`a${n}`);
    line.add(request('a-again'), 0);
    expect(drain(line)).toEqual(['b0', 'a-again', 'b1']);
  });

  it('is bounded, and has each id once', () => {
    const line = queue({ maxSize: 2 });
    expect([line.add(request(1), 0), line.add(request(2), 0), line.add(request(3), 0)]).toEqual([true, true, false]);
    expect(() => queueWithTwice()).toThrow();
    function queueWithTwice() {
      const twice = queue();
      twice.add(request(1), 0);
      twice.add(request(1), 0);
    }
  });

  it('loses nothing and gives nothing twice, keeps its bound, and knows every position', () => {
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 4 }), (script, batchSize) => {
        const line = queue({ maxSize: 30, batch: { maxSize: batchSize, timeoutMs: 500 } });
        const waiting = new Set<string>();
        let now = 0;
        for (const [id, step] of script.entries()) {
          if (step.do === 'pass') now += step.ms;
          else if (step.do === 'add') {
            const taken = line.add(request(id, step), now);
            expect(taken).toBe(waiting.size < 30);
            if (taken) waiting.add(String(id));
          } else if (step.do === 'take') {
            const next = line.take(now);
            expect(next === undefined).toBe(waiting.size === 0);
            if (next !== undefined) expect(waiting.delete(next.id)).toBe(true);
          } else {
            const id = [...waiting][step.which] ?? 'nobody';
            if (step.do === 'raise') line.raise(id, 2, now);
            else expect(line.remove(id)?.id).toBe(waiting.delete(id) ? id : undefined);
          }
          const order = [...line.waiting(now)].map(({ item }) => item.id);
          expect(new Set(order)).toEqual(waiting);
          expect(order).toHaveLength(line.size);
          for (const [index, id] of order.entries()) expect(line.position(id, now)).toBe(index + 1);
        }
        expect(new Set(drain(line, now))).toEqual(waiting);
        expect(line.position('nobody', now)).toBeUndefined();
      }),
    );
  });

  it('keeps the order of arrival for each caller within a priority, however time passes', () => {
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

  it('is fair: a caller’s k-th waiting request waits for at most k of any other caller at its level', () => {
    const script = fc.array(
      fc.oneof(
        { weight: 3, arbitrary: fc.constantFrom('ann', 'ann', 'ben', 'cid') },
        { weight: 2, arbitrary: fc.constant('take') },
      ),
      { maxLength: 150 },
    );
    fc.assert(
      fc.property(script, (moves) => {
        const line = queue();
        const mine = new Map<string, number>();
        const pending = new Map<string, { rank: number; ahead: Map<string, number> }>();
        const serve = () => {
          const next = line.take(0);
          if (next === undefined) return;
          mine.set(next.caller, (mine.get(next.caller) ?? 0) - 1);
          const own = pending.get(next.id);
          pending.delete(next.id);
          for (const count of own?.ahead.values() ?? []) expect(count).toBeLessThanOrEqual(own?.rank ?? 0);
          for (const [id, other] of pending)
            if (!id.startsWith(next.caller)) other.ahead.set(next.caller, (other.ahead.get(next.caller) ?? 0) + 1);
        };
        for (const [n, move] of moves.entries()) {
          if (move === 'take') {
            serve();
            continue;
          }
          const rank = (mine.get(move) ?? 0) + 1;
          mine.set(move, rank);
          // One that was just served has had its turn: it stands as if that one were still waiting.
          pending.set(`${move}${n}`, { rank: rank + 1, ahead: new Map() });
          line.add(request(`${move}${n}`, { caller: move }), 0);
        }
        while (line.size > 0) serve();
      }),
    );
  });

  it('ages: nothing is overtaken by what came later than its priority’s bound', () => {
    fc.assert(
      fc.property(steps, (script) => {
        const line = queue({ batch: { maxSize: 3, timeoutMs: 500 } });
        const since = new Map<string, { at: number; priority: number }>();
        let now = 0;
        const serve = () => {
          const next = line.take(now);
          if (next === undefined) return;
          const served = since.get(next.id);
          since.delete(next.id);
          for (const { at, priority } of since.values())
            expect(served?.at ?? 0).toBeLessThan(at + (MAX_PRIORITY - priority + 1) * AGEING_MS);
        };
        for (const [id, step] of script.entries()) {
          if (step.do === 'pass') now += step.ms;
          else if (step.do === 'take') serve();
          else if (step.do === 'add') {
            line.add(request(id, step), now);
            since.set(String(id), { at: now, priority: step.priority });
          }
        }
        while (line.size > 0) serve();
      }),
    );
  });

  it('ages step by step, not only when somebody looks', () => {
    const looked = queue();
    const unlooked = queue();
    for (const line of [looked, unlooked]) line.add(request('low', { priority: -2 }), 0);
    for (let now = 0; now < 2_500; now += 100) looked.position('low', now);
    for (const line of [looked, unlooked]) {
      line.add(request('high', { priority: 0 }), 2_500);
      expect(drain(line, 2_500)).toEqual(['low', 'high']);
    }
  });

  it('forgets everything about requests that have gone', () => {
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

  it('release what waits for the same model together, up to the size of a batch', () => {
    const line = queue({ batch });
    for (const [id, group] of ['x', 'y', 'x', 'y', 'x', 'x', 'y'].entries()) line.add(request(id, { group }), 0);
    expect(drain(line)).toEqual(['0', '2', '4', '1', '3', '6', '5']);
    expect(line.released).toEqual({ batches: 3, requests: 7 });
  });

  it('hold nobody back for longer than the timeout', () => {
    const line = queue({ batch: { maxSize: 100, timeoutMs: 500 } });
    for (const [id, group] of ['x', 'y', 'x', 'x', 'x'].entries()) line.add(request(id, { group }), 0);
    expect([line.take(0)?.id, line.take(10)?.id, line.take(509)?.id, line.take(510)?.id]).toEqual(['0', '2', '3', '1']);
  });

  it('never carry a request past one of a higher level', () => {
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

  it('are of one where nothing waits', () => {
    const line = queue({ batch });
    line.pass();
    line.add(request(1), 0);
    line.take(0);
    line.add(request(2), 0);
    line.take(0);
    expect(line.released).toEqual({ batches: 3, requests: 3 });
  });
});
