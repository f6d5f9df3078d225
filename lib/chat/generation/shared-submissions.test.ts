import { expect, it, vi } from 'vitest';
import type { CompletedResponse } from '#lib/chat/generation/completed-response';
import { SharedSubmissions } from '#lib/chat/generation/shared-submissions';
import { encodeResponse } from '#lib/chat/persistence/stored-response';
import type { IdempotentRequest, SharedIdempotency } from '#lib/cluster/cluster';
import { chatRequest, engineHarness, settled } from '../../../test/support/chat.ts';

const RESPONSE: CompletedResponse = {
  content: 'from another server',
  thinking: '',
  tool_calls: [],
  model: 'test',
  done_reason: 'stop',
  usage: { prompt_tokens: 1, completion_tokens: 2 },
};

/** What Redis says of each key, and what was reported to it. */
class FakeIdempotency implements SharedIdempotency {
  readonly reports: string[] = [];
  readonly requests = new Map<string, IdempotentRequest>();

  async claim(name: string): Promise<IdempotentRequest | undefined> {
    return this.requests.get(name);
  }

  async takeOver(name: string, _fingerprint: string, lost: IdempotentRequest): Promise<boolean> {
    if (this.requests.get(name) !== lost) return false;
    this.requests.set(name, { fingerprint: 'print', instance: 'this', id: '' });
    return true;
  }

  accept(_name: string, _fingerprint: string, id: string): void {
    this.reports.push(`accept ${id}`);
  }

  complete(_name: string, _fingerprint: string, id: string): void {
    this.reports.push(`complete ${id}`);
  }

  release(): void {
    this.reports.push('release');
  }

  settled(): undefined {}
}

const digests = { name: 'name', fingerprint: 'print' };
const never = () => expect.fail('it was called');

it('returns what another server has completed, also while it waits for it', async () => {
  const shared = new FakeIdempotency();
  shared.requests.set('name', { fingerprint: 'print', instance: 'other', id: '' });
  const submissions = new SharedSubmissions(shared);
  const { submit } = engineHarness();
  const pending = await submit('anything');
  const replay = vi.fn(() => pending);
  const found = submissions.once(digests, never, replay);
  await new Promise((resolve) => setTimeout(resolve, 150));
  shared.requests.set('name', {
    ...{ fingerprint: 'print', instance: 'other', id: 'first' },
    response: encodeResponse(RESPONSE),
  });
  expect(await found).toBe(pending);
  expect(replay).toHaveBeenCalledWith(expect.objectContaining({ id: 'first', response: RESPONSE }));
});

it('refuses a retry with Retry-After while another server works on the request', async () => {
  const shared = new FakeIdempotency();
  shared.requests.set('name', { fingerprint: 'print', instance: 'other', id: 'first' });
  const startedMs = performance.now();
  await expect(new SharedSubmissions(shared).once(digests, never, never)).rejects.toMatchObject({
    code: 'queue_full',
    retryAfterSeconds: 2,
    data: { reason: 'elsewhere' },
  });
  expect(performance.now() - startedMs).toBeLessThan(10_000);
});

it('joins the request of another server by its id, also of one that has ended', async () => {
  const { submit } = engineHarness();
  const pending = await submit('anything');
  for (const isLost of [false, true]) {
    const shared = new FakeIdempotency();
    shared.requests.set('name', { fingerprint: 'print', instance: 'other', id: 'first', isLost });
    const join = vi.fn(async () => pending);
    expect(await new SharedSubmissions(shared).once(digests, never, never, join)).toBe(pending);
    expect(join).toHaveBeenCalledWith('first');
    expect(shared.reports).toEqual([]);
  }
});

it('takes over the key of a server that has ended together with its request', async () => {
  const { submit } = engineHarness();
  const shared = new FakeIdempotency();
  shared.requests.set('name', { fingerprint: 'print', instance: 'other', id: 'first', isLost: true });
  const pending = await new SharedSubmissions(shared).once(
    digests,
    () => submit('anything'),
    never,
    async () => undefined,
  );
  expect(pending.id).not.toBe('first');
});

it('submits a lost request once when two servers find it at the same time', async () => {
  const { submit } = engineHarness();
  const shared = new FakeIdempotency();
  shared.requests.set('name', { fingerprint: 'print', instance: 'other', id: 'first', isLost: true });
  const pending = await submit('anything');
  const submitted = vi.fn(async () => {
    shared.requests.set('name', { fingerprint: 'print', instance: 'this', id: pending.id });
    return pending;
  });
  const join = async (id: string) => (id === pending.id ? pending : undefined);
  const both = [1, 2].map(() => new SharedSubmissions(shared).once(digests, submitted, never, join));
  expect(await Promise.all(both)).toEqual([pending, pending]);
  expect(submitted).toHaveBeenCalledTimes(1);
});

it('keeps the key of a request that another server has begun again', async () => {
  const { submit } = engineHarness();
  const shared = new FakeIdempotency();
  const submissions = new SharedSubmissions(shared);
  const pending = await submissions.once(digests, () => submit('anything'), never);
  pending.goesOnElsewhere = true;
  submissions.handleEnd(pending);
  expect(shared.reports).toEqual([`accept ${pending.id}`]);
});

it('refuses another body with the same key', async () => {
  const shared = new FakeIdempotency();
  shared.requests.set('name', { fingerprint: 'of another body', instance: 'other', id: 'first' });
  await expect(new SharedSubmissions(shared).once(digests, never, never)).rejects.toMatchObject({
    code: 'idempotency_conflict',
  });
});

it('releases the key of a request that was not accepted', async () => {
  const shared = new FakeIdempotency();
  const refuse = async () => {
    throw new Error('full');
  };
  await expect(new SharedSubmissions(shared).once(digests, refuse, never)).rejects.toThrow('full');
  expect(shared.reports).toEqual(['release']);
});

it('reports the requests of an engine with their ends', async () => {
  const idempotency = new FakeIdempotency();
  const values = {
    ...{ isUsable: false, read: async () => undefined, write: () => {}, remove: () => {} },
    ...{ renew: () => {}, clear: async () => {}, adoptGeneration: () => {}, settled: () => undefined },
  };
  const shared = { idempotency, responses: values, conversations: values };
  const { engine, provider } = engineHarness({}, { shared });
  const first = await engine.enqueue(chatRequest('hello'), { caller: 'ann', idempotencyKey: 'one' });
  await settled();
  provider.last.say('hi').done();
  await settled();
  expect(first.state).toBe('completed');
  const second = await engine.enqueue(chatRequest('other'), { caller: 'ann', idempotencyKey: 'two' });
  engine.cancel(second.id, 'ann');
  await settled();
  expect(idempotency.reports).toEqual([`accept ${first.id}`, `complete ${first.id}`, `accept ${second.id}`, 'release']);
});
