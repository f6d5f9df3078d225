import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConnectionShares } from '#lib/http-client/connection-shares';
import { chooseDisplaced } from '#lib/max-min-fairness';

/** Starts what may start, as `HttpPool` does. */
class Pool {
  readonly shares: ConnectionShares<string>;
  readonly running: string[] = [];
  readonly refused: string[] = [];

  constructor(size: number, maxWaiting: number) {
    this.shares = new ConnectionShares(size, { maxWaiting, chooseDisplaced });
  }

  ask(caller: string): void {
    const share = this.shares.of(caller);
    if (this.shares.mayStart(share)) this.#begin(caller);
    else {
      const refused = this.shares.enqueue(share, caller);
      if (refused !== undefined) this.refused.push(refused);
    }
  }

  end(place: number): void {
    const [caller] = this.running.splice(place, 1);
    if (caller === undefined) return;
    this.shares.ended(this.shares.of(caller));
    for (let next = this.shares.take(); next !== undefined; next = this.shares.take()) this.#begin(next);
  }

  runningOf(caller: string): number {
    return this.running.filter((name) => name === caller).length;
  }

  #begin(caller: string): void {
    this.shares.started(this.shares.of(caller));
    this.running.push(caller);
  }
}

const callers = fc.constantFrom('a', 'b', 'c');
const steps = fc.array(fc.oneof(fc.record({ ask: callers }), fc.record({ end: fc.nat(60) })), { maxLength: 400 });

function play(pool: Pool, all: readonly ({ ask: string } | { end: number })[]): void {
  for (const step of all)
    if ('ask' in step) pool.ask(step.ask);
    else if (pool.running.length > 0) pool.end(step.end % pool.running.length);
}

describe('ConnectionShares', () => {
  it('never exceeds the number of connections, and loses no request', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.nat(20), steps, (size, maxWaiting, all) => {
        const pool = new Pool(size, maxWaiting);
        play(pool, all);
        expect(pool.shares.running).toBe(pool.running.length);
        expect(pool.running.length).toBeLessThanOrEqual(size);
        expect(pool.shares.waiting).toBeLessThanOrEqual(maxWaiting + size - pool.running.length);
        let guard = 1_000;
        while (pool.running.length > 0 && guard-- > 0) pool.end(0);
        expect([pool.shares.running, pool.shares.waiting]).toEqual([0, 0]);
      }),
    );
  });

  it('has a free connection for a newcomer while one caller takes all it may', () => {
    fc.assert(
      fc.property(fc.integer({ min: 10, max: 200 }), (size) => {
        const pool = new Pool(size, 1_000);
        for (let count = 0; count < 4 * size; count++) pool.ask('greedy');
        expect(pool.runningOf('greedy')).toBeGreaterThanOrEqual(Math.floor(size * 0.7));
        pool.ask('new');
        expect(pool.runningOf('new')).toBe(1);
      }),
    );
  });

  it('serves waiting callers round-robin', () => {
    const pool = new Pool(1, 100);
    for (let count = 0; count < 20; count++) pool.ask('greedy');
    for (const caller of ['b', 'c', 'b']) pool.ask(caller);
    const order: string[] = [];
    for (let count = 0; count < 8; count++) {
      pool.end(0);
      order.push(pool.running[0] ?? '');
    }
    expect(order).toEqual(['greedy', 'b', 'c', 'greedy', 'b', 'greedy', 'greedy', 'greedy']);
  });

  it('displaces no request of an unnamed caller for one with as many', () => {
    const pool = new Pool(1, 2);
    for (const caller of ['a', '', 'a', 'a']) pool.ask(caller);
    expect(pool.refused).toEqual(['a']);
  });

  it('displaces the newest request of the caller with most in a full queue, and refuses that caller', () => {
    const pool = new Pool(1, 10);
    for (let count = 0; count < 12; count++) pool.ask('greedy');
    expect(pool.refused).toEqual(['greedy']);
    for (let count = 0; count < 4; count++) pool.ask('new');
    expect(pool.refused).toEqual(['greedy', 'greedy', 'greedy', 'greedy', 'greedy']);
    expect(pool.shares.waiting).toBe(10);
    pool.ask('new');
    pool.ask('new');
    expect(pool.refused.at(-1)).toBe('new');
  });

  it('removes an aborted request from the queue', () => {
    const shares = new ConnectionShares<object>(1, { maxWaiting: 2, chooseDisplaced });
    const [share, first, second] = [shares.of('a'), {}, {}];
    shares.started(share);
    shares.enqueue(share, first);
    shares.enqueue(share, second);
    shares.dequeue(share, first);
    shares.dequeue(share, first);
    expect(shares.waiting).toBe(1);
    shares.ended(share);
    expect([shares.take(), shares.take()]).toEqual([second, undefined]);
  });
});
