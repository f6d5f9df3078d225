import { describe, expect, it } from 'vitest';
import { PackedJson } from '#lib/chat/cache/packed-json';
import { bytesOf, MAX_CHAIN, type StoredRequest, StoredResponses } from '#lib/chat/cache/stored-responses';
import { unfinishedState } from '#lib/chat/formats/responses';
import { returnedParameters } from '#lib/chat/formats/responses-request';
import { MIB } from '#lib/units';
import { ManualClock } from '../../../test/support/chat.ts';

const TTL_MS = 60_000;

function request(id: string, previous?: string, text = id): StoredRequest {
  return {
    id,
    caller: 'ann',
    createdAt: 0,
    model: 'm',
    previous,
    parameters: new PackedJson(returnedParameters({})),
    items: new PackedJson([{ type: 'message', role: 'user', content: text }]),
  };
}

function store(maxBytes = MIB) {
  const clock = new ManualClock();
  return { clock, responses: new StoredResponses({ maxBytes, ttlMs: TTL_MS }, clock) };
}

const ids = (chain: readonly { id: string }[] | undefined) => chain?.map(({ id }) => id);
const result = () => new PackedJson(unfinishedState('queued'));

describe('stored responses', () => {
  it('give a response with those that it continues, to its caller only', () => {
    const { responses } = store();
    responses.add(request('a'));
    responses.add(request('b', 'a'));
    responses.add(request('c', 'b'));
    expect(ids(responses.chain('ann', 'c'))).toEqual(['a', 'b', 'c']);
    expect(responses.get('bob', 'c')).toBeUndefined();
    expect(responses.chain('bob', 'c')).toBeUndefined();
    expect(responses.delete('bob', 'c')).toBe(false);
  });

  it('do not continue a sequence of more than 2,000', () => {
    const { responses } = store(16 * MIB);
    for (let at = 0; at <= MAX_CHAIN; at++) responses.add(request(`r${at}`, at === 0 ? undefined : `r${at - 1}`));
    expect(responses.chain('ann', `r${MAX_CHAIN - 1}`)).toHaveLength(MAX_CHAIN);
    expect(responses.chain('ann', `r${MAX_CHAIN}`)).toBeUndefined();
  });

  it('are not continued after one before them was deleted', () => {
    const { responses } = store();
    responses.add(request('a'));
    responses.add(request('b', 'a'));
    expect(responses.delete('ann', 'a')).toBe(true);
    expect(responses.chain('ann', 'b')).toBeUndefined();
    expect(responses.get('ann', 'b')).toBeDefined();
  });

  it('keep the beginning of a conversation for as long as its end', async () => {
    const { clock, responses } = store();
    responses.add(request('a'));
    for (const [index, id] of ['b', 'c', 'd'].entries()) {
      await clock.advance(TTL_MS - 1);
      responses.add(request(id, ['a', 'b', 'c'][index]));
    }
    expect(ids(responses.chain('ann', 'd'))).toEqual(['a', 'b', 'c', 'd']);
    await clock.advance(TTL_MS + 1);
    expect(responses.get('ann', 'd')).toBeUndefined();
  });

  it('evict the end of a conversation before its beginning', () => {
    const { responses } = store(20_000);
    responses.add(request('a'));
    responses.add(request('b', 'a'));
    responses.add(request('c', 'b'));
    const evicted: string[] = [];
    for (let other = 0; evicted.length < 3; other++) {
      responses.add(request(`other-${other}`));
      for (const id of ['c', 'b', 'a'])
        if (responses.isStored('ann', id) === false && !evicted.includes(id)) evicted.push(id);
    }
    expect(evicted).toEqual(['c', 'b', 'a']);
  });

  it('stay below their bound, results included', () => {
    const { responses } = store();
    for (let at = 0; at < 200; at++) {
      responses.add(request(`r${at}`, undefined, 'x'.repeat(10_000)));
      responses.finish('ann', `r${at}`, result);
      expect(responses.bytes).toBeLessThanOrEqual(MIB);
    }
    expect(responses.get('ann', 'r0')).toBeUndefined();
    const last = responses.get('ann', 'r199');
    if (last === undefined) throw new Error('the newest is evicted');
    expect(bytesOf(last)).toBeGreaterThan(10_000 + (last.result?.bytes ?? 0));
  });

  it('do not keep what is larger than all of them may be', () => {
    const { responses } = store(20_000);
    responses.add(request('a', undefined, 'x'.repeat(30_000)));
    expect(responses.get('ann', 'a')).toBeUndefined();
    expect(responses.bytes).toBe(0);
  });

  it('give no result to a response that was deleted', () => {
    const { responses } = store();
    responses.add(request('a'));
    responses.delete('ann', 'a');
    responses.finish('ann', 'a', result);
    expect(responses.get('ann', 'a')).toBeUndefined();
  });
});
