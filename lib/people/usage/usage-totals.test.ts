import { describe, expect, it } from 'vitest';
import { administrator } from '#lib/http/principal';
import { MAX_UNLISTED, OTHER } from '#lib/people/usage/model-names';
import { UsageTotals } from '#lib/people/usage/usage-totals';
import { UsageSeries } from '#lib/telemetry/usage-series';
import { essenceOf, person, usageEvent } from '../../../test/support/usage.ts';

const NOON = new Date(2026, 10, 29, 12).getTime();
const DAY_MS = 24 * 60 * 60 * 1000;

function totalsAt(moment: number, more: Partial<ConstructorParameters<typeof UsageTotals>[0]> = {}) {
  const clock = { now: moment };
  const totals = new UsageTotals({ now: () => clock.now, ...more });
  return { clock, totals };
}

describe('usage totals', () => {
  it('add up requests by user, key, model and model server', () => {
    const { totals } = totalsAt(NOON);
    const ann = person('ann', { groupId: 'lab' });
    totals.finished(usageEvent({ principal: ann }));
    totals.finished(usageEvent({ principal: ann, joined: true, promptTokens: 0, completionTokens: 0, savedTokens: 8 }));
    totals.finished(usageEvent({ principal: ann, server: 't', error: 'upstream_failed' }));
    totals.hit(ann, 'm', 8);
    totals.hit(ann, 'm', 8);
    totals.finished(usageEvent({ principal: { ...ann, keyId: 'k' } }));
    const own = { user_id: 'ann', group_id: 'lab', model: 'm' };
    expect(totals.take().map(essenceOf)).toEqual([
      { ...own, server: 's', requests: 2, joined: 1, prompt_tokens: 3, completion_tokens: 5, tokens_saved: 8 },
      { ...own, server: 't', requests: 1, errors: 1, prompt_tokens: 3, completion_tokens: 5 },
      { ...own, requests: 2, cached: 2, tokens_saved: 16 },
      { ...own, key_id: 'k', server: 's', requests: 1, prompt_tokens: 3, completion_tokens: 5 },
    ]);
    expect(totals.take()).toEqual([]);
  });

  it('count programs by language and outcome, apart from requests to models', () => {
    const { totals } = totalsAt(NOON);
    const program = { kind: 'code', model: '', server: '', language: 'python', promptTokens: 0, completionTokens: 0 };
    for (const outcome of ['success', 'timeout', 'success'])
      totals.finished(usageEvent({ ...program, kind: 'code', outcome, cpuMs: 20.4, principal: person('ann') }));
    const own = { user_id: 'ann', language: 'python' };
    expect(totals.take().map(essenceOf)).toEqual([
      { ...own, outcome: 'success', code_runs: 2, code_cpu_ms: 40.8 },
      { ...own, outcome: 'timeout', code_runs: 1, code_cpu_ms: 20.4 },
    ]);
  });

  it('keep no address: callers without a key are local', () => {
    const { totals } = totalsAt(NOON);
    totals.hit(administrator('203.0.113.9'), 'm', 1);
    totals.finished(usageEvent({ principal: administrator('203.0.113.10') }));
    const rows = totals.take();
    expect(rows.map(({ user_id, key_id }) => [user_id, key_id])).toEqual([
      ['', 'local'],
      ['', 'local'],
    ]);
    expect(JSON.stringify(rows)).not.toContain('203.0');
  });

  it('begin another row at midnight, and go back with a clock that is set back', () => {
    const { clock, totals } = totalsAt(NOON);
    totals.hit(undefined, 'm', 1);
    clock.now += DAY_MS;
    totals.hit(undefined, 'm', 1);
    totals.finished(usageEvent());
    clock.now -= DAY_MS;
    totals.hit(undefined, 'm', 1);
    expect(totals.take().map(({ day, server, requests }) => [day, server, requests])).toEqual([
      [20261129, '', 2],
      [20261130, '', 1],
      [20261130, 's', 1],
    ]);
  });

  it('put back what was not written, and add to it', () => {
    const { totals } = totalsAt(NOON);
    totals.finished(usageEvent());
    totals.hit(undefined, 'm', 4);
    const taken = totals.take();
    totals.hit(undefined, 'm', 4);
    totals.putBack(taken);
    totals.hit(undefined, 'm', 4);
    expect(totals.take().map(essenceOf)).toEqual([
      { key_id: 'local', model: 'm', requests: 3, cached: 3, tokens_saved: 12 },
      { key_id: 'local', model: 'm', server: 's', requests: 1, prompt_tokens: 3, completion_tokens: 5 },
    ]);
  });

  it('are bounded: a flood of keys is added to one row, and reported', () => {
    let full = 0;
    const { totals } = totalsAt(NOON, { maxRows: 10, onFull: () => full++ });
    for (let index = 0; index < 1_000; index++) {
      const principal = person(`user-${index}`);
      totals.hit(principal, 'm', 1);
      totals.finished(usageEvent({ principal }));
    }
    expect(totals.size).toBe(11);
    expect(full).toBeGreaterThan(0);
    const rows = totals.take();
    expect(rows.reduce((sum, { requests }) => sum + requests, 0)).toBe(2_000);
    expect(rows.filter(({ key_id }) => key_id === OTHER)).toHaveLength(1);
  });

  it('have one row for all names that no model server knows', () => {
    const { totals } = totalsAt(NOON);
    for (const model of ['made-up-1', 'made-up-2'])
      totals.finished(usageEvent({ model, server: '', error: 'model_not_found' }));
    expect(totals.take().map(({ model, errors }) => [model, errors])).toEqual([[OTHER, 2]]);
  });

  it.each(['queue_full', 'upstream_unavailable', undefined])(
    'have one row for names that no one vouches for, of requests that end with %s',
    (error) => {
      const { totals } = totalsAt(NOON, { isKnownModel: (name) => name === 'm' });
      for (const model of ['m', 'made-up-1', 'made-up-2'])
        totals.finished(usageEvent({ model, server: '', promptTokens: 0, completionTokens: 0, error }));
      expect(totals.take().map(({ model, requests }) => [model, requests])).toEqual([
        ['m', 1],
        [OTHER, 2],
      ]);
    },
  );

  it('have a bounded number of names that a server responds to and does not list', () => {
    const { totals } = totalsAt(NOON, { isKnownModel: (name) => name === 'm' });
    for (let index = 0; index < 2 * MAX_UNLISTED; index++) {
      totals.finished(usageEvent({ model: `any-${index}` }));
      totals.hit(undefined, `hit-${index}`, 8);
    }
    totals.finished(usageEvent({ model: 'm' }));
    // One that a server has responded to has its failures, too.
    totals.finished(usageEvent({ model: 'any-0', promptTokens: 0, completionTokens: 0, error: 'upstream_timeout' }));
    const models = new Set(totals.take().map(({ model }) => model));
    expect(models.size).toBe(MAX_UNLISTED + 2);
    for (const model of ['m', 'any-0', 'hit-0', OTHER]) expect(models).toContain(model);
  });

  it('make no object for a hit of a caller that is known', () => {
    const { totals } = totalsAt(NOON);
    const ann = person('ann');
    totals.hit(ann, 'm', 1);
    const [before] = totals.take();
    totals.hit(ann, 'm', 1);
    for (let index = 0; index < 99; index++) totals.hit(ann, 'm', 1);
    expect(totals.size).toBe(1);
    expect([before?.requests, totals.take()[0]?.requests]).toEqual([1, 100]);
  });

  it('count for Prometheus by model, model server and role, without a person', () => {
    const series = new UsageSeries(1);
    const { totals } = totalsAt(NOON, { series });
    totals.hit(person('ann'), 'm', 8);
    totals.finished(usageEvent({ principal: person('bob'), joined: true, savedTokens: 8, promptTokens: 0 }));
    totals.finished(usageEvent({ principal: administrator('key:1'), model: 'another' }));
    totals.finished(usageEvent({ principal: administrator('key:1'), model: 'yet another', error: 'queue_full' }));
    totals.finished(usageEvent({ kind: 'code', model: '', server: '', language: 'c', outcome: 'success' }));
    totals.putBack(totals.take());
    totals.hit(person('cem'), 'm', 8);
    totals.hit(person('ann'), 'm', 8);
    expect([...series.all()].map((one) => ({ ...one }))).toEqual([
      { ...NO_COUNTS, model: 'm', server: '', role: 'member', cached: 3, savedTokens: 24 },
      {
        ...{ ...NO_COUNTS, model: 'm', server: 's', role: 'member', joined: 1, savedTokens: 8 },
        ...{ completionTokens: 5, generationMs: 100 },
      },
      {
        ...{ ...NO_COUNTS, model: 'other', server: 's', role: 'admin', generated: 1, failed: 1 },
        ...{ promptTokens: 6, completionTokens: 10, generationMs: 200 },
      },
    ]);
  });
});

const NO_COUNTS = {
  generated: 0,
  cached: 0,
  joined: 0,
  failed: 0,
  promptTokens: 0,
  completionTokens: 0,
  savedTokens: 0,
  generationMs: 0,
};
