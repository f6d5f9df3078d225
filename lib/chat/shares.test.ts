import { describe, expect, it } from 'vitest';
import { AppError } from '#lib/errors';
import type { StoredLimits } from '#lib/wire/limits';
import { type EngineHarness, engineHarness, settled } from '../../test/support/chat.ts';
import { allowances } from '../../test/support/limits.ts';

/** Limits of callers in the chat engine: shares in the queue, budgets, and open requests. */

const SHARE: StoredLimits = { tokens_per_day: { limit: 100, kind: 'share' } };
const ONE_SLOT = { QUEUE_MAX_CONCURRENT: '1' };

function setUp(limits: StoredLimits, environment: Record<string, string> = ONE_SLOT) {
  const harness = engineHarness(environment);
  const allowanceOf = allowances(limits);
  const ask = (caller: string, text: string, more: Parameters<EngineHarness['submit']>[1] = {}) =>
    harness.submit(text, { caller, allowance: allowanceOf(caller), ...more });
  const spend = (caller: string, tokens: number) => allowanceOf(caller)?.spendTokens(tokens);
  return { ...harness, ask, spend, allowanceOf };
}

/** Finishes each call in turn, and returns what was asked in the order in which it ran. */
async function runAll({ provider }: Pick<EngineHarness, 'provider'>, count: number): Promise<string[]> {
  for (let finished = 0; finished < count; finished++) {
    provider.calls[finished]?.say('x').done();
    await settled();
  }
  return provider.calls.map(({ request }) => request.messages.at(-1)?.content ?? '');
}

describe('a caller above its share', () => {
  it('waits behind those within theirs, whenever they came', async () => {
    const engine = setUp(SHARE);
    engine.spend('ann', 130);
    await engine.ask('zoe', 'runs');
    await engine.ask('ann', 'ann 1');
    await engine.ask('ann', 'ann 2');
    await engine.ask('bob', 'bob 1');
    await engine.ask('carl', 'carl 1');
    await engine.ask('bob', 'bob 2');
    expect(await runAll(engine, 6)).toEqual(['runs', 'bob 1', 'carl 1', 'bob 2', 'ann 1', 'ann 2']);
  });

  it('does not wait for ever: two levels are eight turns of another caller', async () => {
    const engine = setUp(SHARE);
    engine.spend('ann', 130);
    await engine.ask('zoe', 'runs');
    await engine.ask('ann', 'ann');
    for (let turn = 0; turn < 20; turn++) await engine.ask('bob', `bob ${turn}`);
    const order = await runAll(engine, 22);
    expect(order.indexOf('ann')).toBeGreaterThanOrEqual(8);
    expect(order.indexOf('ann')).toBeLessThanOrEqual(10);
  });

  it('starts at once on an idle model server', async () => {
    const engine = setUp(SHARE);
    engine.spend('ann', 1_000);
    const pending = await engine.ask('ann', 'hello');
    expect([pending.state, engine.provider.calls.length]).toEqual(['running', 1]);
  });

  it('starts in each free slot while no other caller waits', async () => {
    const engine = setUp(SHARE, { QUEUE_MAX_CONCURRENT: '2' });
    engine.spend('ann', 1_000);
    await engine.ask('ann', 'one');
    await engine.ask('ann', 'two');
    const third = await engine.ask('ann', 'three');
    expect([engine.provider.calls.length, third.state]).toEqual([2, 'queued']);
    engine.provider.calls[0]?.say('x').done();
    await settled();
    expect(third.state).toBe('running');
  });

  it('sees how far it is above, and how many callers are in front', async () => {
    const engine = setUp(SHARE);
    engine.spend('ann', 130);
    await engine.ask('zoe', 'runs');
    const pending = await engine.ask('ann', 'ann');
    const statuses: unknown[] = [];
    const note = () => statuses.push(pending.generation.log.status?.share);
    engine.engine.read(pending, note);
    for (const [caller, text] of [
      ['bob', 'bob 1'],
      ['bob', 'bob 2'],
      ['carl', 'carl 1'],
    ] as const)
      await engine.ask(caller, text);
    await settled();
    const share = { name: 'tokens_per_day', used: 130, limit: 100, over_percent: 30 };
    expect(engine.engine.queueStatus(pending)).toMatchObject({ queue_position: 4, share: { ...share, ahead: 2 } });
    expect(pending.generation.log.status).toMatchObject({ queue_position: 4, share: { ...share, ahead: 2 } });
    await runAll(engine, 1);
    expect(pending.generation.log.status?.share).toEqual({ ...share, ahead: 2 });
    engine.provider.calls[1]?.say('x').done();
    await settled();
    expect(pending.generation.log.status?.share).toEqual({ ...share, ahead: 1 });
  });

  it('is moved up by a caller within its share who asks for the same, and shows nothing to that one', async () => {
    const engine = setUp(SHARE);
    engine.spend('ann', 130);
    await engine.ask('zoe', 'runs');
    const first = await engine.ask('ann', 'the same');
    await engine.ask('bob', 'bob 1');
    const joined = await engine.ask('carl', 'the same', { readsCache: 'pages' });
    expect(joined.generation).toBe(first.generation);
    expect(engine.engine.queueStatus(joined).share).toBeUndefined();
    expect(engine.engine.queueStatus(first).share).toBeUndefined();
    expect(await runAll(engine, 3)).toEqual(['runs', 'the same', 'bob 1']);
  });

  it('shows its share to no other caller above theirs', async () => {
    const engine = setUp(SHARE);
    engine.spend('ann', 130);
    engine.spend('carl', 500);
    await engine.ask('zoe', 'runs');
    const first = await engine.ask('ann', 'the same');
    const joined = await engine.ask('carl', 'the same');
    expect(engine.engine.queueStatus(first).share).toMatchObject({ used: 130 });
    expect(engine.engine.queueStatus(joined)).not.toHaveProperty('share');
  });
});

describe('tokens', () => {
  const used = ({ allowanceOf }: ReturnType<typeof setUp>, caller: string) =>
    allowanceOf(caller)
      ?.states()
      .find(({ name }) => name === 'tokens_per_day')?.used;

  it('are those of the caller whose request was generated, and cost nothing from the cache', async () => {
    const engine = setUp(SHARE);
    await engine.ask('ann', 'hello');
    await engine.ask('bob', 'hello');
    engine.provider.last.say('x').done();
    await settled();
    const hit = await engine.ask('carl', 'hello');
    expect([hit.cacheStatus, used(engine, 'ann'), used(engine, 'bob'), used(engine, 'carl')]).toEqual(['hit', 8, 0, 0]);
  });

  it('of a cancelled response are estimated, also if others go on reading it', async () => {
    const engine = setUp(SHARE);
    const first = await engine.ask('ann', 'hello');
    await engine.ask('bob', 'hello');
    engine.provider.last.say('one ').say('two');
    await settled();
    engine.engine.cancel(first.id, 'ann');
    engine.provider.last.done();
    await settled();
    expect(used(engine, 'ann')).toBe(8);
    const second = await engine.ask('ann', 'another question');
    engine.provider.last.say('one ').say('two');
    await settled();
    engine.engine.cancel(second.id, 'ann');
    expect(used(engine, 'ann')).toBeGreaterThan(10);
  });

  it('of a request that never ran are none', async () => {
    const engine = setUp(SHARE);
    await engine.ask('zoe', 'runs');
    const waiting = await engine.ask('ann', 'waits');
    engine.engine.cancel(waiting.id, 'ann');
    expect(used(engine, 'ann')).toBe(0);
  });
});

describe('a hard budget that is used up', () => {
  it('refuses what would be generated, and not what is cached', async () => {
    const engine = setUp({ tokens_per_day: { limit: 8, kind: 'hard' } });
    await engine.ask('ann', 'hello');
    engine.provider.last.say('x').done();
    await settled();
    await expect(engine.ask('ann', 'another')).rejects.toThrow(/8 tokens a day/);
    expect((await engine.ask('ann', 'hello')).cacheStatus).toBe('hit');
    expect((await engine.ask('ann', 'accepted before', { isAccepted: true })).state).toBe('running');
  });
});

describe('open requests', () => {
  const open = ({ allowanceOf }: ReturnType<typeof setUp>) =>
    allowanceOf('ann')
      ?.states()
      .find(({ name }) => name === 'concurrent_requests')?.used;

  it.each([
    ['completed', (engine: ReturnType<typeof setUp>) => engine.provider.last.say('x').done()],
    ['failed', (engine) => engine.provider.last.fail(new AppError('upstream_failed', 'It failed.'))],
    ['cancelled', (engine, id) => engine.engine.cancel(id, 'ann')],
  ] satisfies [string, (engine: ReturnType<typeof setUp>, id: string) => unknown][])(
    'are one less when one has %s',
    async (state, end) => {
      const engine = setUp({ concurrent_requests: { limit: 2, kind: 'hard' } });
      const first = await engine.ask('ann', 'one');
      await engine.ask('ann', 'two');
      await expect(engine.ask('ann', 'three')).rejects.toThrow(/2 open requests/);
      end(engine, first.id);
      await settled();
      expect([first.state, open(engine)]).toEqual([state, 1]);
    },
  );

  it('do not count those that a full queue refused', async () => {
    const engine = setUp({ concurrent_requests: { limit: 5, kind: 'hard' } }, { ...ONE_SLOT, QUEUE_MAX_SIZE: '0' });
    await engine.ask('ann', 'one');
    await expect(engine.ask('ann', 'two')).rejects.toThrow(/queue is full/);
    expect(open(engine)).toBe(1);
  });
});
