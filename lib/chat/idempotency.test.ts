import { afterEach, describe, expect, it, vi } from 'vitest';
import { IdempotencyKeys } from '#lib/chat/generation/idempotency-keys';
import { chatRequest, type EngineHarness, endEngine, engineHarness, settled } from '../../test/support/chat.ts';

let b: EngineHarness;

afterEach(() => endEngine(b));

describe('an idempotency key', () => {
  it('submits one request per idempotency key', async () => {
    b = engineHarness();
    const submitter = { caller: 'ann', idempotencyKey: 'k1' };
    const [one, two] = await Promise.all([
      b.engine.enqueue(chatRequest({ use_cache: false }), submitter),
      b.engine.enqueue(chatRequest({ use_cache: false }), submitter),
    ]);
    expect(two).toBe(one);
    const other = await b.engine.enqueue(chatRequest({ use_cache: false }), { ...submitter, caller: 'ben' });
    expect(other).not.toBe(one);
    await expect(async () => b.engine.enqueue(chatRequest('different'), submitter)).rejects.toMatchObject({
      code: 'idempotency_conflict',
    });
  });

  it('keeps an idempotency key for as long as its request waits', async () => {
    b = engineHarness();
    await b.engine.enqueue(chatRequest('holds the slot'), { caller: 'ann' });
    const submitter = { caller: 'ann', idempotencyKey: 'k1' };
    const submit = (content: string) =>
      b.engine.enqueue(chatRequest({ use_cache: false, system_prompt: content }), submitter);
    const pending = await submit('one');
    await b.clock.advance(11 * 60_000);
    expect(await submit('one')).toBe(pending);
    await expect(async () => submit('two')).rejects.toMatchObject({ code: 'idempotency_conflict' });
    b.provider.last.done();
    await settled();
    b.provider.last.done();
    await settled();
    await b.clock.advance(11 * 60_000);
    // The result is no longer kept, and its key is free.
    expect(await submit('two')).not.toBe(pending);
  });

  it('does not confuse a later request of the same id with that of an idempotency key', async () => {
    b = engineHarness();
    const [id, idempotencyKey] = ['0b5f0f3e-6b1f-4c79-8d5c-0f1f6d0d7f11', 'k1'];
    await b.engine.enqueue(chatRequest('hello'), { caller: 'ann', id, isIdGiven: true, idempotencyKey });
    b.provider.last.done();
    await settled();
    await b.clock.advance(11 * 60_000);
    const other = await b.engine.enqueue(chatRequest('other'), { caller: 'ben', id, isIdGiven: true });
    expect(other.id).toBe(id);
    const again = await b.engine.enqueue(chatRequest('hello'), { caller: 'ann', idempotencyKey });
    expect(again).not.toBe(other);
  });

  it('keeps an idempotency key for as long as the result, but does not retain the result', async () => {
    b = engineHarness({ MAX_RESPONSE_MB: '64' });
    const submitter = { caller: 'ann', idempotencyKey: 'k'.repeat(16_000) };
    const submit = () => b.engine.enqueue(chatRequest({ use_cache: false }), submitter);
    const first = await submit();
    b.provider.last.say('x').done();
    await settled();
    expect(await submit()).toBe(first);
    // Larger results evict the first one.
    for (const content of ['a', 'b']) {
      await b.submit({ messages: [{ role: 'user', content }], use_cache: false });
      b.provider.last.say('x'.repeat(30_000_000)).done();
      await settled();
    }
    expect(await submit()).not.toBe(first);
  });

  it('is forgotten when 10,000 others were used after it', async () => {
    b = engineHarness();
    const pending = await b.submit('hello');
    const keys = new IdempotencyKeys((id) => (id === pending.id ? pending : undefined));
    const submit = vi.fn(async () => pending);
    const use = () => keys.once('ann', 'key', 'body', submit);
    const useOthers = (count: number) => {
      for (let index = 0; index < count; index++) keys.restore({ name: `${index}`, fingerprint: '' }, pending);
    };
    await use();
    useOthers(9_999);
    await use();
    expect(submit).toHaveBeenCalledTimes(1);
    useOthers(10_000);
    await use();
    expect(submit).toHaveBeenCalledTimes(2);
  });
});
