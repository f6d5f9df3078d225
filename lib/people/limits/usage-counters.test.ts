import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { calendarDay } from '#lib/calendar';
import { periodAt } from '#lib/people/limits/calendar';
import { COUNTED_LIMITS, COUNTED_NAMES, type CountedLimit } from '#lib/people/limits/limit-definitions';
import { StoredCounters } from '#lib/people/limits/limit-rows';
import { type CounterRows, UsageCounters } from '#lib/people/limits/usage-counters';
import { usageStatements } from '#lib/people/usage/usage-statements';
import { NO_FIGURES } from '#lib/people/usage/usage-totals';
import { type OpenStore, openStore } from '#lib/store/open-store';
import { RetentionSweeper } from '#lib/store/retention';
import { retentionRules } from '#lib/store/retention-rules';
import { DAY_MS, HOUR_MS } from '#lib/units';

let folder: string;
let store: OpenStore;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'limits-'));
  store = await openStore({ DATA_DIR: join(folder, 'data'), DATABASE_URL: undefined });
});
afterAll(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});

const START_MS = Date.parse('2026-11-29T12:00:00Z');

/** Counters over the real database, with a clock and a timer that the test moves. */
class Harness {
  now = START_MS;
  isBroken = false;
  /** Reads wait for it. */
  gate: Promise<void> | undefined;
  readonly errors: unknown[] = [];
  counters = this.restarted();
  #flush: (() => void) | undefined;

  /** With `refreshMs`, one of several servers. */
  restarted(refreshMs?: number): UsageCounters {
    const stored = new StoredCounters(async () => store);
    const refuse = async () => Promise.reject(new Error('the disk is full'));
    const rows: CounterRows = {
      read: async (subject, periods) => {
        await this.gate;
        return await (this.isBroken ? refuse() : stored.read(subject, periods));
      },
      add: (all) => (this.isBroken ? refuse() : stored.add(all)),
    };
    return new UsageCounters({
      rows,
      ...(refreshMs === undefined ? {} : { refreshMs }),
      now: () => this.now,
      after: (_ms, task) => {
        this.#flush = task;
        return () => {
          this.#flush = undefined;
        };
      },
      onError: (error) => this.errors.push(error),
    });
  }

  runTimer(): void {
    const flush = this.#flush;
    this.#flush = undefined;
    flush?.();
  }

  /** Whether a change waits for the timer. */
  get isScheduled(): boolean {
    return this.#flush !== undefined;
  }
}

const newSubject = () => `user:${randomUUID()}`;

describe('counts', () => {
  it.each(['user', 'key'] as const)('of a %s include what was used before there was a limit, once', async (kind) => {
    const id = randomUUID();
    const usage = (tokens: number, cpuMs: number, daysAgo = 0) => {
      const day = calendarDay(START_MS - daysAgo * DAY_MS).day;
      const key = { day, user_id: '', key_id: '', group_id: '', model: 'm', server: '', language: '', outcome: '' };
      const figures = { prompt_tokens: 28, completion_tokens: tokens - 28, code_cpu_ms: cpuMs };
      return store.writeAll(usageStatements(store.db, [{ ...key, ...NO_FIGURES, ...figures, [`${kind}_id`]: id }]));
    };
    const subject = `${kind}:${id}`;
    const stored = new StoredCounters(async () => store);
    const counters = () => new UsageCounters({ rows: stored, now: () => START_MS, after: () => () => {} });
    const [one, two] = [counters(), counters()];
    const usedOf = (of: UsageCounters) => COUNTED_NAMES.map((name) => of.used(subject, name));
    await Promise.all([usage(628, 1_500), usage(100, 70, 2)]);
    await Promise.all([one.load(subject), two.load(subject)]);
    expect([usedOf(one), usedOf(two)]).toEqual(Array(2).fill([628, 728, 1_500]));
    one.add(subject, 'tokens_per_day', 40);
    await usage(40, 0);
    one.limitsChanged();
    await one.load(subject);
    expect(one.used(subject, 'tokens_per_day')).toBe(668);
    await one.flush();
    // Without a limit, nothing is counted.
    await usage(300, 0);
    expect(one.load(subject)).toBeUndefined();
    one.limitsChanged();
    await one.load(subject);
    expect(usedOf(one)).toEqual([968, 1_068, 1_500]);
    const restarted = counters();
    await restarted.load(subject);
    expect(usedOf(restarted)).toEqual([968, 1_068, 1_500]);
  });

  it('are read again after a restart', async () => {
    const harness = new Harness();
    const subject = newSubject();
    await harness.counters.load(subject);
    harness.counters.add(subject, 'tokens_per_day', 40);
    harness.counters.add(subject, 'tokens_per_month', 40);
    expect(harness.isScheduled).toBe(true);
    await harness.counters.close();
    const again = harness.restarted();
    expect(again.used(subject, 'tokens_per_day')).toBe(0);
    await again.load(subject);
    expect(COUNTED_NAMES.map((name) => again.used(subject, name))).toEqual([40, 40, 0]);
    expect(again.load(subject)).toBeUndefined();
  });

  it('add what was used while they were read, once', async () => {
    const harness = new Harness();
    const subject = newSubject();
    await harness.counters.load(subject);
    harness.counters.add(subject, 'tokens_per_day', 100);
    await harness.counters.flush();
    const again = harness.restarted();
    const loading = again.load(subject);
    again.add(subject, 'tokens_per_day', 5);
    await again.flush();
    await loading;
    expect(again.used(subject, 'tokens_per_day')).toBe(105);
    await again.close();
    const third = harness.restarted();
    await third.load(subject);
    expect(third.used(subject, 'tokens_per_day')).toBe(105);
  });

  it('are written after they were read, if that took longer than until they are to be written', async () => {
    const harness = new Harness();
    const subject = newSubject();
    const { promise, resolve } = Promise.withResolvers<void>();
    harness.gate = promise;
    const loading = harness.counters.load(subject);
    harness.counters.add(subject, 'tokens_per_day', 5);
    harness.runTimer();
    await harness.counters.flush();
    expect(harness.isScheduled).toBe(false);
    resolve();
    await loading;
    expect(harness.isScheduled).toBe(true);
    harness.runTimer();
    const saved = async () => {
      const again = harness.restarted();
      await again.load(subject);
      return again.used(subject, 'tokens_per_day');
    };
    await expect.poll(saved).toBe(5);
  });

  it('are read again before a request, once they are old, where other servers add to them', async () => {
    const harness = new Harness();
    const subject = newSubject();
    const [one, other] = [harness.restarted(500), harness.restarted(500)];
    for (const server of [one, other]) await server.load(subject);
    one.add(subject, 'tokens_per_day', 100);
    await one.flush();
    harness.now += 499;
    expect(other.load(subject)).toBeUndefined();
    expect(other.used(subject, 'tokens_per_day')).toBe(0);
    // However long ago it was used there last.
    harness.now += HOUR_MS;
    await other.load(subject);
    expect(other.used(subject, 'tokens_per_day')).toBe(100);
    expect(other.load(subject)).toBeUndefined();
  });

  it('are not read again for a while after a read that failed', async () => {
    const harness = new Harness();
    const subject = newSubject();
    const counters = harness.restarted(500);
    await counters.load(subject);
    counters.add(subject, 'tokens_per_day', 7);
    harness.now += 500;
    harness.isBroken = true;
    await counters.load(subject);
    expect([counters.load(subject), harness.errors.length]).toEqual([undefined, 1]);
    expect(counters.used(subject, 'tokens_per_day')).toBe(7);
    harness.isBroken = false;
    harness.now += 5_000;
    await counters.load(subject);
    expect(counters.used(subject, 'tokens_per_day')).toBe(7);
  });

  it('start again with the next day, and keep the month', async () => {
    const harness = new Harness();
    const subject = newSubject();
    await harness.counters.load(subject);
    for (const name of COUNTED_NAMES) harness.counters.add(subject, name, 10);
    harness.now = periodAt('day', START_MS).endMs;
    expect(COUNTED_NAMES.map((name) => harness.counters.used(subject, name))).toEqual([0, 10, 0]);
    harness.now = periodAt('month', START_MS).endMs;
    expect(COUNTED_NAMES.map((name) => harness.counters.used(subject, name))).toEqual([0, 0, 0]);
    harness.now -= 1;
    expect(COUNTED_NAMES.map((name) => harness.counters.used(subject, name))).toEqual([0, 0, 0]);
  });

  it('stay in memory while the database fails, and are written later', async () => {
    const harness = new Harness();
    const subject = newSubject();
    harness.isBroken = true;
    await harness.counters.load(subject);
    harness.counters.add(subject, 'tokens_per_day', 3);
    await harness.counters.flush();
    expect([harness.errors.length, harness.counters.used(subject, 'tokens_per_day')]).toEqual([2, 3]);
    expect(harness.counters.load(subject)).toBeUndefined();
    harness.isBroken = false;
    harness.now += 5_000;
    await harness.counters.load(subject);
    expect(harness.counters.used(subject, 'tokens_per_day')).toBe(3);
    await harness.counters.close();
    const again = harness.restarted();
    await again.load(subject);
    expect(again.used(subject, 'tokens_per_day')).toBe(3);
  });

  it('are deleted two months after their period', async () => {
    const harness = new Harness();
    const subject = newSubject();
    for (const days of [100, 1]) {
      harness.now = START_MS - days * DAY_MS;
      harness.counters.add(subject, 'tokens_per_day', 1);
      await harness.counters.flush();
    }
    const clock = { now: () => START_MS, monotonic: () => 0 };
    await new RetentionSweeper(store, retentionRules(), clock).sweep();
    const rows = await store.db.selectFrom('limit_counters').select('period').where('subject', '=', subject).execute();
    expect(rows).toEqual([{ period: periodAt('day', START_MS - DAY_MS).id }]);
  });
});

type Step =
  | { readonly type: 'add'; readonly subject: number; readonly name: CountedLimit; readonly amount: number }
  | { readonly type: 'hours'; readonly hours: number }
  | { readonly type: 'flush' | 'restart' }
  | { readonly type: 'break'; readonly isBroken: boolean };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('add' as const),
      subject: fc.nat(2),
      name: fc.constantFrom(...COUNTED_NAMES),
      amount: fc.integer({ min: 0, max: 1_000 }),
    }),
  },
  fc.record({ type: fc.constant('hours' as const), hours: fc.integer({ min: 0, max: 60 }) }),
  fc.record({ type: fc.constantFrom('flush' as const, 'restart' as const) }),
  fc.record({ type: fc.constant('break' as const), isBroken: fc.boolean() }),
);

describe('any order of use, writes, failures, restarts and days', () => {
  it('leaves the sum of each period', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const harness = new Harness();
        const names = [newSubject(), newSubject(), newSubject()];
        const sums = new Map<string, number>();
        const keyOf = (subject: string, name: CountedLimit) =>
          `${subject} ${name} ${periodAt(COUNTED_LIMITS[name], harness.now).id}`;
        for (const one of steps)
          if (one.type === 'add') {
            const subject = names[one.subject] ?? '';
            await harness.counters.load(subject);
            harness.counters.add(subject, one.name, one.amount);
            const key = keyOf(subject, one.name);
            sums.set(key, (sums.get(key) ?? 0) + one.amount);
          } else if (one.type === 'hours') harness.now += one.hours * HOUR_MS;
          else if (one.type === 'flush') await harness.counters.flush();
          else if (one.type === 'break') harness.isBroken = one.isBroken;
          else {
            harness.isBroken = false;
            await harness.counters.close();
            harness.counters = harness.restarted();
          }
        harness.isBroken = false;
        harness.now += 5_000;
        for (const subject of names) {
          await harness.counters.load(subject);
          for (const name of COUNTED_NAMES)
            expect(harness.counters.used(subject, name)).toBe(sums.get(keyOf(subject, name)) ?? 0);
        }
      }),
      { numRuns: 60 },
    );
  });
});
