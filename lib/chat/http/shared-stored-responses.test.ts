import { expect, it } from 'vitest';
import { PackedJson } from '#lib/chat/cache/packed-json';
import { type StoredRequest, StoredResponses } from '#lib/chat/cache/stored-responses';
import { type ResponsesState, unfinishedState } from '#lib/chat/formats/responses';
import { returnedParameters } from '#lib/chat/formats/responses-request';
import { ResponseSharing } from '#lib/chat/http/shared-stored-responses';
import type { SharedValues } from '#lib/cluster/cluster';
import { MIB } from '#lib/units';
import { ManualClock } from '../../../test/support/chat.ts';

const TTL_MS = 40_000;

/** One of several servers, over values that all of them have. */
function server(values: Map<string, Uint8Array>) {
  const clock = new ManualClock();
  const renewed: string[] = [];
  const shared: SharedValues = {
    isUsable: true,
    read: async (key: string) => {
      const bytes = values.get(key);
      return bytes && { createdAt: 0, bytes };
    },
    write: (key: string, _: number, encode: () => Uint8Array | undefined) =>
      void values.set(key, encode() ?? expect.fail('it is stored')),
    settled: () => undefined,
    remove: (key: string) => void values.delete(key),
    renew: (key: string) => void renewed.push(key),
    clear: async () => values.clear(),
    adoptGeneration() {},
  };
  const stateOf = ({ result }: { result: unknown }) => (result as PackedJson<ResponsesState>).unpack();
  const sharing = new ResponseSharing({ values: shared, clock, ttlMs: TTL_MS, stateOf });
  const responses = new StoredResponses({ maxBytes: MIB, ttlMs: TTL_MS }, clock, sharing);
  return { clock, renewed, sharing, responses };
}

function request(id: string, previous?: string): StoredRequest {
  return {
    ...{ id, caller: 'ann', createdAt: 17, model: 'm', previous },
    parameters: new PackedJson(returnedParameters({ instructions: 'Be brief. Ünï.' })),
    items: new PackedJson([{ type: 'message', role: 'user', content: 'question' }]),
  };
}

const COMPLETED: ResponsesState = { ...unfinishedState('queued'), status: 'completed', completed_at: 18 };

it('gives another server a response as it was stored, and to its caller only', async () => {
  const values = new Map<string, Uint8Array>();
  const [one, two] = [server(values), server(values)];
  one.responses.add(request('b', 'a'));
  expect(await two.sharing.read('ann', 'b')).toMatchObject({ id: 'b', previous: 'a', result: undefined });
  one.responses.setWaited('ann', 'b');
  one.responses.finish('ann', 'b', () => new PackedJson(COMPLETED));
  const read = await two.sharing.read('ann', 'b');
  const own = one.responses.get('ann', 'b');
  expect(read).toMatchObject({ caller: 'ann', createdAt: 17, model: 'm', previous: 'a', hasWaited: true });
  expect(read?.parameters.unpack()).toEqual(own?.parameters.unpack());
  expect(read?.items.unpack()).toEqual(own?.items.unpack());
  const result = read?.result;
  expect(result instanceof PackedJson && result.unpack()).toEqual(COMPLETED);
  expect(await two.sharing.read('bob', 'b')).toBeUndefined();
});

it('reads a value of another version as none', async () => {
  const values = new Map<string, Uint8Array>([['["ann","a"]', Buffer.from('{"version":2}')]]);
  values.set('["ann","b"]', Buffer.from('{'));
  const { sharing } = server(values);
  expect([await sharing.read('ann', 'a'), await sharing.read('ann', 'b')]).toEqual([undefined, undefined]);
});

it('keeps what is continued for its time to live, without a command for each use', async () => {
  const { clock, renewed, responses } = server(new Map());
  responses.add(request('a'), new PackedJson(COMPLETED));
  for (let turn = 0; turn < 20; turn++) {
    await clock.advance(1_000);
    responses.add(request(`turn ${turn}`, 'a'), new PackedJson(COMPLETED));
  }
  expect(renewed).toEqual(['["ann","a"]', '["ann","a"]']);
});

it('replaces a copy by its result, never what was completed here', async () => {
  const { responses } = server(new Map());
  responses.adopt({ ...request('a'), hasWaited: false, result: undefined });
  responses.adopt({ ...request('a'), hasWaited: false, result: new PackedJson(COMPLETED) });
  responses.adopt({ ...request('a'), hasWaited: false, result: undefined });
  expect(responses.peek('ann', 'a')).toMatchObject({ isCopy: true, result: expect.any(PackedJson) });
});

it('forgets what another server has deleted, and copies of which it does not know', async () => {
  const values = new Map<string, Uint8Array>();
  const { responses } = server(values);
  for (const id of ['a', 'b']) responses.add(request(id), new PackedJson(COMPLETED));
  responses.adopt({ ...request('copy'), hasWaited: false, result: new PackedJson(COMPLETED) });
  responses.forget('ann', 'a');
  responses.forgetCopies();
  expect(['a', 'b', 'copy'].map((id) => responses.isStored('ann', id))).toEqual([false, true, false]);
  expect([...values.keys()]).toEqual(['["ann","b"]']);
});
