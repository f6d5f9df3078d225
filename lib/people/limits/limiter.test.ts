import { describe, expect, it } from 'vitest';
import { AppError } from '#lib/errors';
import { administrator, type Principal } from '#lib/http/principal';
import { LimitTable, type LimitTableOptions } from '#lib/people/limits/limit-table';
import { Limiter } from '#lib/people/limits/limiter';
import { MinuteWindows } from '#lib/people/limits/minute-windows';
import { UsageCounters } from '#lib/people/limits/usage-counters';
import { HOUR_MS } from '#lib/units';
import type { LimitName, LimitScope, StoredLimit, StoredLimits } from '#lib/wire/limits';

const NOON_MS = new Date(2026, 10, 29, 12).getTime();

function setUp(environment: StoredLimits = {}, options: Partial<LimitTableOptions> = {}) {
  const clock = { now: NOON_MS, monotonic: 0 };
  const table = new LimitTable({ environment, hasAccounts: true, ...options });
  const counters = new UsageCounters({
    rows: { read: async () => [], add: async () => {} },
    now: () => clock.now,
    after: () => () => {},
  });
  const limiter = new Limiter({
    table,
    counters,
    windows: new MinuteWindows(),
    now: () => clock.now,
    monotonicNow: () => clock.monotonic,
  });
  const set = (scope: LimitScope, limits: StoredLimits) => table.set({ scope, limits, updatedAt: 1 });
  return { clock, table, limiter, set };
}

const hard = (limit: number): StoredLimit => ({ limit, kind: 'hard' });
const share = (limit: number): StoredLimit => ({ limit, kind: 'share' });
const member = (more: Partial<Principal> = {}): Principal => ({
  caller: `user:${more.userId ?? 'ann'}`,
  role: 'member',
  scopes: new Set(),
  maxPriority: 0,
  userId: 'ann',
  ...more,
});
const ann = member();

function refusal(act: () => unknown): AppError {
  try {
    act();
  } catch (error) {
    if (AppError.is(error)) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

describe('the most specific limit', () => {
  const scopes: readonly LimitScope[] = [
    { kind: 'default', id: '' },
    { kind: 'group', id: 'class' },
    { kind: 'user', id: 'ann' },
  ];
  it.each(scopes.map((scope, index) => [scope.kind, index]))('is that of the %s', (_kind, index) => {
    const { limiter, set } = setUp();
    for (const [at, scope] of scopes.slice(0, index + 1).entries()) set(scope, { output_tokens: hard(300 - at * 100) });
    const allowance = limiter.allowanceOf(member({ groupId: 'class' }));
    expect(allowance?.outputTokens).toBe(300 - index * 100);
  });

  it('is chosen for each name by itself, and 0 lifts a less specific one', () => {
    const { limiter, set } = setUp({ tokens_per_day: hard(5), output_tokens: hard(9) });
    set({ kind: 'user', id: 'ann' }, { tokens_per_day: hard(0) });
    expect(
      limiter
        .allowanceOf(ann)
        ?.states()
        .map(({ name, limit }) => [name, limit]),
    ).toEqual([['output_tokens', 9]]);
  });

  it('is that of the key for a key without a person, and of the environment before stored defaults', () => {
    const { limiter, set } = setUp({ output_tokens: hard(9) });
    set({ kind: 'default', id: '' }, { output_tokens: hard(7), context_tokens: hard(8) });
    const service: Principal = { caller: 'key:k', role: 'member', scopes: new Set(), maxPriority: 0, keyId: 'k' };
    expect(limiter.allowanceOf(service)).toMatchObject({ outputTokens: 9, contextTokens: 8 });
    set({ kind: 'key', id: 'k' }, { output_tokens: hard(20) });
    expect(limiter.allowanceOf(service)).toMatchObject({ outputTokens: 20, contextTokens: 8 });
  });

  it('of a person holds for all keys of the person, which none of them can raise', () => {
    const { limiter, set } = setUp();
    set({ kind: 'user', id: 'ann' }, { tokens_per_day: hard(100) });
    set({ kind: 'key', id: 'big' }, { tokens_per_day: hard(1_000) });
    set({ kind: 'key', id: 'small' }, { tokens_per_day: hard(10) });
    const [big, small] = ['big', 'small'].map((keyId) => limiter.allowanceOf(member({ keyId })));
    small?.spendTokens(10);
    expect(refusal(() => small?.enter('model')).data).toMatchObject({ limit: 10, used: 10 });
    big?.enter('model')();
    big?.spendTokens(90);
    expect(refusal(() => big?.enter('model')).data).toMatchObject({ limit: 100, used: 100 });
    expect(refusal(() => limiter.allowanceOf(ann)?.enter('model')).data).toMatchObject({ limit: 100, used: 100 });
  });
});

describe('administrators', () => {
  it('have no limits but their own, where people have accounts', () => {
    const { limiter, set } = setUp({ tokens_per_day: hard(1) });
    const admin = member({ role: 'admin', groupId: 'class' });
    set({ kind: 'group', id: 'class' }, { output_tokens: hard(5) });
    expect(limiter.allowanceOf(admin)).toBeUndefined();
    expect(limiter.allowanceOf(administrator('key:k', { keyId: 'k' }))).toBeUndefined();
    expect(limiter.allowanceOf(member({ role: 'manager' }))).toBeDefined();
    set({ kind: 'user', id: 'ann' }, { output_tokens: hard(7) });
    expect(limiter.allowanceOf(admin)?.outputTokens).toBe(7);
  });

  it('have the limits of all callers without accounts: each address and key is one', () => {
    const { limiter } = setUp({ tokens_per_day: hard(10) }, { hasAccounts: false });
    const [one, other] = ['10.0.0.1', '10.0.0.2'].map((caller) => limiter.allowanceOf(administrator(caller)));
    one?.spendTokens(10);
    expect(refusal(() => one?.enter('model')).code).toBe('rate_limited');
    other?.enter('model')();
  });

  it('have the limits of their key, too, without accounts', () => {
    const { limiter, set } = setUp({ tokens_per_day: hard(10), output_tokens: hard(9) }, { hasAccounts: false });
    set({ kind: 'key', id: 'k' }, { output_tokens: hard(5) });
    const key = limiter.allowanceOf(administrator('key:k', { keyId: 'k' }));
    expect(key?.outputTokens).toBe(5);
    key?.spendTokens(10);
    expect(refusal(() => key?.enter('model')).data).toMatchObject({ limit_name: 'tokens_per_day' });
    expect(limiter.allowanceOf(administrator('key:l', { keyId: 'l' }))?.outputTokens).toBe(9);
  });
});

describe('end users of a key', () => {
  const endUser = (name: string) => administrator(`key:k/${name}`, { keyId: 'k', trustsEndUser: true });

  it('have a limit each, also where the key is an administrator’s', () => {
    const { limiter } = setUp({ tokens_per_day: hard(10), requests_per_minute: hard(1) });
    const [bob, eve] = ['bob', 'eve'].map((name) => limiter.allowanceOf(endUser(name)));
    bob?.spendTokens(10);
    bob?.count('model');
    expect(refusal(() => bob?.enter('model')).data).toMatchObject({ limit_name: 'tokens_per_day' });
    expect(refusal(() => bob?.count('model')).data).toMatchObject({ limit_name: 'requests_per_minute' });
    eve?.count('model');
    eve?.enter('model')();
  });
});

describe('a key of a person', () => {
  it('makes no new callers out of the end users that its requests name', () => {
    const { limiter } = setUp({ tokens_per_day: hard(10) });
    const named = (name: string) =>
      limiter.allowanceOf(member({ caller: `key:k/${name}`, keyId: 'k', trustsEndUser: true }));
    named('one')?.spendTokens(10);
    expect(refusal(() => named('two')?.enter('model')).code).toBe('rate_limited');
    expect(refusal(() => limiter.allowanceOf(ann)?.enter('model')).code).toBe('rate_limited');
  });
});

describe('requests a minute', () => {
  it('are refused until the window ends, with chat and code apart', () => {
    const { limiter, clock } = setUp({ requests_per_minute: hard(2), code_runs_per_minute: hard(1) });
    const allowance = limiter.allowanceOf(ann);
    allowance?.count('model', 2);
    clock.monotonic += 20_000;
    const error = refusal(() => allowance?.count('model'));
    expect([error.message, error.retryAfterSeconds]).toEqual([
      'Your limit of 2 chat requests a minute is reached. Try again in 40 s.',
      40,
    ]);
    allowance?.count('code');
    expect(refusal(() => allowance?.count('code')).message).toMatch(/^Your limit of 1 code runs a minute/);
    allowance?.uncount('code');
    allowance?.count('code');
    clock.monotonic += 40_000;
    allowance?.count('model');
  });

  it('count none of several that do not fit', () => {
    const { limiter } = setUp({ requests_per_minute: hard(3) });
    const allowance = limiter.allowanceOf(ann);
    expect(refusal(() => allowance?.count('model', 4)).data).toMatchObject({ used: 0 });
    allowance?.count('model', 3);
  });

  it('do not end with a clock that is set', () => {
    const { limiter, clock } = setUp({ requests_per_minute: hard(1) });
    const allowance = limiter.allowanceOf(ann);
    allowance?.count('model');
    clock.now += HOUR_MS;
    expect(refusal(() => allowance?.count('model')).retryAfterSeconds).toBe(60);
  });
});

describe('a hard budget', () => {
  it('is refused with its name, its figures and when it resets', () => {
    const { limiter, clock } = setUp({ tokens_per_day: hard(1_000) });
    const allowance = limiter.allowanceOf(ann);
    allowance?.enter('model')();
    allowance?.spendTokens(1_300);
    const error = refusal(() => allowance?.enter('model'));
    expect(error.message).toBe(
      'Your limit of 1,000 tokens a day is used up (1,300 used). It resets in 12 h 0 min, at 2026-11-30 00:00.',
    );
    expect(error.data).toEqual({
      reason: 'limit',
      limit_name: 'tokens_per_day',
      limit: 1_000,
      used: 1_300,
      resets_at: new Date(2026, 10, 30).toISOString(),
      retry_after_seconds: 12 * 3_600,
    });
    expect(error.retryAfterSeconds).toBe(12 * 3_600);
    clock.now = new Date(2026, 10, 30).getTime();
    allowance?.enter('model')();
  });

  it('of a month outlasts the day, and that of programs counts seconds', () => {
    const { limiter, clock } = setUp({ tokens_per_month: hard(5), code_seconds_per_day: hard(2) });
    const allowance = limiter.allowanceOf(ann);
    allowance?.spendTokens(5);
    allowance?.spendCpu(1_999.6);
    expect(refusal(() => allowance?.enter('code')).message).toMatch(/^Your limit of 2 seconds of program time a day/);
    clock.now = new Date(2026, 10, 30).getTime();
    allowance?.enter('code')();
    expect(refusal(() => allowance?.enter('model')).message).toMatch(/5 tokens a month .* at 2026-12-01 00:00\.$/);
  });

  it('lets a request through that was accepted before', () => {
    const { limiter } = setUp({ tokens_per_day: hard(1), concurrent_requests: hard(1) });
    const allowance = limiter.allowanceOf(ann);
    allowance?.spendTokens(1);
    const leave = allowance?.enter('model', true);
    expect(allowance?.states().find(({ name }) => name === 'concurrent_requests')?.used).toBe(1);
    leave?.();
  });
});

describe('open requests', () => {
  it('are counted once each until they end, of all kinds together', () => {
    const { limiter } = setUp({ concurrent_requests: hard(2) });
    const allowance = limiter.allowanceOf(ann);
    const leave = allowance?.enter('model');
    allowance?.enter('code');
    const error = refusal(() => allowance?.enter('model'));
    expect([error.message, error.data]).toEqual([
      'Your limit of 2 open requests is reached. Try again when one of them has ended.',
      { reason: 'limit', limit_name: 'concurrent_requests', limit: 2, used: 2, retry_after_seconds: 5 },
    ]);
    leave?.();
    leave?.();
    allowance?.enter('model');
    expect(refusal(() => allowance?.enter('code')).code).toBe('rate_limited');
  });
});

describe('a share', () => {
  it('refuses nothing, and says how far a caller is above it', () => {
    const { limiter } = setUp({ tokens_per_day: share(1_000), tokens_per_month: share(2_000) });
    const allowance = limiter.allowanceOf(ann);
    allowance?.spendTokens(999);
    expect(allowance?.overrun()).toBeUndefined();
    allowance?.spendTokens(301);
    allowance?.enter('model')();
    expect(allowance?.overrun()).toEqual({ name: 'tokens_per_day', used: 1_300, limit: 1_000, over_percent: 30 });
    expect(allowance?.usedShare()).toBe(1.3);
  });
});

describe('the state of limits', () => {
  it('names each with what is used and when it resets', () => {
    const { limiter } = setUp({
      tokens_per_day: share(100),
      requests_per_minute: hard(5),
      code_seconds_per_day: hard(60),
      concurrent_requests: hard(3),
      output_tokens: hard(512),
    });
    const allowance = limiter.allowanceOf(ann);
    allowance?.count('model');
    allowance?.enter('model');
    allowance?.spendTokens(40);
    allowance?.spendCpu(1_500);
    const midnight = new Date(2026, 10, 30).toISOString();
    expect(allowance?.states()).toEqual([
      { name: 'tokens_per_day', limit: 100, used: 40, kind: 'share', resets_at: midnight },
      {
        name: 'requests_per_minute',
        limit: 5,
        used: 1,
        kind: 'hard',
        resets_at: new Date(NOON_MS + 60_000).toISOString(),
      },
      { name: 'code_seconds_per_day', limit: 60, used: 1.5, kind: 'hard', resets_at: midnight },
      { name: 'concurrent_requests', limit: 3, used: 1, kind: 'hard', resets_at: null },
      { name: 'output_tokens', limit: 512, used: 0, kind: 'hard', resets_at: null },
    ]);
  });

  it('changes with the limits, without a new start', () => {
    const { limiter, table, set } = setUp();
    expect([table.isEmpty, limiter.allowanceOf(ann)]).toEqual([true, undefined]);
    set({ kind: 'user', id: 'ann' }, { output_tokens: hard(1) });
    expect([table.isEmpty, limiter.allowanceOf(ann)?.outputTokens]).toEqual([false, 1]);
    table.delete({ kind: 'user', id: 'ann' });
    expect([table.isEmpty, limiter.allowanceOf(ann)]).toEqual([true, undefined]);
  });
});

describe('a name of a limit', () => {
  it('has its own sentence', () => {
    const names: readonly LimitName[] = ['tokens_per_day', 'tokens_per_month'];
    const sentences = names.map((name) => {
      const { limiter } = setUp({ [name]: hard(1) });
      const allowance = limiter.allowanceOf(ann);
      allowance?.spendTokens(1);
      return refusal(() => allowance?.enter('model')).message.split(' is used up')[0];
    });
    expect(sentences).toEqual(['Your limit of 1 tokens a day', 'Your limit of 1 tokens a month']);
  });
});
