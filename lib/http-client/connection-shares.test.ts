import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConnectionShares } from '#lib/http-client/connection-shares';

/** A pool that carries what it may, as `HttpPool` does. */
class Pool {
  readonly shares: ConnectionShares<string>;
  readonly running: string[] = [];
  readonly refused: string[] = [];

  constructor(size: number, maxWaiting: number) {
    this.shares = new ConnectionShares(size, maxWaiting);
  }

  ask(client: string): void {
    const share = this.shares.of(client);
    if (this.shares.mayStart(share)) this.#begin(client);
    else {
      const refused = this.shares.enqueue(share, client);
      if (refused !== undefined) this.refused.push(refused);
    }
  }

  end(place: number): void {
    const [client] = this.running.splice(place, 1);
    if (client === undefined) return;
    this.shares.ended(this.shares.of(client));
    for (let next = this.shares.take(); next !== undefined; next = this.shares.take()) this.#begin(next);
  }

  runningOf(client: string): number {
    return this.running.filter((name) => name === client).length;
  }

  #begin(client: string): void {
    this.shares.started(this.shares.of(client));
    this.running.push(client);
  }
}

const clients = fc.constantFrom('a', 'b', 'c');
const steps = fc.array(fc.oneof(fc.record({ ask: clients }), fc.record({ end: fc.nat(60) })), { maxLength: 400 });

function play(pool: Pool, all: readonly ({ ask: string } | { end: number })[]): void {
  for (const step of all)
    if ('ask' in step) pool.ask(step.ask);
    else if (pool.running.length > 0) pool.end(step.end % pool.running.length);
}

describe('ConnectionShares', () => {
  it('never gives more connections than there are, and loses no request', () => {
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

  it('has a connection for a newcomer at once where one client alone takes all it can', () => {
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

  it('serves clients that wait in turns, not in the order of their requests', () => {
    const pool = new Pool(1, 100);
    for (let count = 0; count < 20; count++) pool.ask('greedy');
    for (const client of ['b', 'c', 'b']) pool.ask(client);
    const order: string[] = [];
    for (let count = 0; count < 8; count++) {
      pool.end(0);
      order.push(pool.running[0] ?? '');
    }
    expect(order).toEqual(['greedy', 'b', 'c', 'greedy', 'b', 'greedy', 'greedy', 'greedy']);
  });

  it('displaces no request of a client without a name for one that has no claim', () => {
    const pool = new Pool(1, 2);
    for (const client of ['a', '', 'a', 'a']) pool.ask(client);
    expect(pool.refused).toEqual(['a']);
  });

  it('displaces the newest of the client with most where the line is full, and refuses that client itself', () => {
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

  it('takes a request that is given up out of the line', () => {
    const shares = new ConnectionShares<object>(1, 2);
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
