import { expect, it } from 'vitest';
import { Generation } from '#lib/chat/generation/generation';
import { SharedFlights } from '#lib/cluster/flights';

/** Flights of one Redis, as several instances see them. */
class Sky {
  readonly flights = new Map<string, string>();
  readonly runs = new Map<string, Generation>();
  readonly ids = new Set<string>();
  takes = 0;
  isAway = false;

  instance() {
    const leaders = new Map<string, Generation>();
    const flights = new SharedFlights({
      link: { connection: { isUsable: !this.isAway } } as never,
      store: {
        claimId: async (id) => {
          const isFree = !this.ids.has(id);
          this.ids.add(id);
          return isFree;
        },
        takeFlight: async (key, run) => {
          this.takes += 1;
          if (this.isAway) throw new Error('Redis does not respond.');
          const other = this.flights.get(key);
          if (other === undefined) this.flights.set(key, run);
          return other;
        },
        flightRun: async (key) => this.flights.get(key),
        releaseFlight: async (key, run) => {
          if (this.flights.get(key) === run) this.flights.delete(key);
        },
      },
      inFlight: {
        find: () => undefined,
        findLeader: (key) => leaders.get(key),
        registerLeader: (generation) => void leaders.set(generation.flightKey ?? '', generation),
      },
      mirrors: { of: async (run) => this.runs.get(run) },
      creationMs: 500,
    });
    return { flights, leaders };
  }
}

const generationOf = (id: string, flightKey = 'key') =>
  new Generation({
    ...{ id, caller: 'ann', group: '', model: 'm', createdAt: 0, key: undefined, flightKey },
    ...{ priority: 0, requestBytes: 0 },
  });

const REQUEST = { id: undefined, isIdGiven: false, joinKey: 'key', ownKey: 'key', priority: 0 };

it('gives a flight to one of many, also to requests of the same instance', async () => {
  const sky = new Sky();
  const [one, two] = [sky.instance(), sky.instance()];
  const first = await one.flights.claim(REQUEST);
  if (first === undefined) expect.fail();
  expect(first.leader).toBeUndefined();
  expect(one.flights.heldBy(first.id)).toBe('key');
  sky.runs.set(first.id, generationOf(first.id));
  const others = await Promise.all(Array.from({ length: 20 }, () => two.flights.claim(REQUEST)));
  expect(two.leaders.get('key')).toBe(sky.runs.get(first.id));
  expect(new Set(others.map((claim) => claim?.id)).size).toBe(20);
  // One of the instance has asked, the others join what came of it.
  expect(sky.takes).toBe(2);
});

it('waits for a run that is about to be created, and gives up on one that never is', async () => {
  const sky = new Sky();
  sky.flights.set('key', 'lost');
  const { flights, leaders } = sky.instance();
  const claim = await flights.claim(REQUEST);
  expect([claim?.leader, claim?.isLate, sky.flights.get('key')]).toEqual([undefined, true, claim?.id]);
  sky.flights.set('other', 'late');
  setTimeout(() => sky.runs.set('late', generationOf('late', 'other')), 30);
  const joined = await flights.claim({ ...REQUEST, joinKey: 'other', ownKey: 'other' });
  expect([joined?.leader?.id, leaders.get('other')?.id]).toEqual(['late', 'late']);
});

it('looks into the cache again where the other one has ended meanwhile', async () => {
  const sky = new Sky();
  const ended = Generation.replay(
    { id: 'ended', caller: 'ann', createdAt: 0 },
    {
      ...{ content: 'a', thinking: '', tool_calls: [], model: 'm', done_reason: 'stop' },
      usage: { prompt_tokens: 1, completion_tokens: 1 },
    },
  );
  sky.runs.set('ended', ended);
  sky.flights.set('key', 'ended');
  setTimeout(() => sky.flights.delete('key'), 5);
  const claim = await sky.instance().flights.claim(REQUEST);
  expect([claim?.leader, claim?.isLate]).toEqual([undefined, true]);
});

it('lets a request that replaces what is cached join no other', async () => {
  const sky = new Sky();
  sky.flights.set('key', 'other');
  sky.runs.set('other', generationOf('other'));
  const { flights } = sky.instance();
  const claim = await flights.claim({ ...REQUEST, joinKey: undefined });
  expect(claim?.leader).toBeUndefined();
  claim?.release();
  expect(sky.flights.get('key')).toBe('other');
});

it('gives another id to a request whose id is in use', async () => {
  const sky = new Sky();
  const { flights } = sky.instance();
  const given = { ...REQUEST, id: 'mine', isIdGiven: true, joinKey: undefined, ownKey: undefined };
  expect((await flights.claim(given))?.id).toBe('mine');
  expect((await flights.claim(given))?.id).not.toBe('mine');
});

it('takes the flight under another id where the one of its client is in use', async () => {
  const sky = new Sky();
  const { flights } = sky.instance();
  sky.ids.add('mine');
  const claim = await flights.claim({ ...REQUEST, id: 'mine', isIdGiven: true });
  expect([claim?.leader, claim?.isLate, sky.flights.get('key')]).toEqual([undefined, true, claim?.id]);
  expect(claim?.id).not.toBe('mine');
});

it('joins no request of another flight whose id was asked for again', async () => {
  const sky = new Sky();
  sky.runs.set('mine', generationOf('mine', 'another'));
  // Until the other one has given the flight back.
  sky.flights.set('key', 'mine');
  setTimeout(() => sky.flights.delete('key'), 5);
  const claim = await sky.instance().flights.claim(REQUEST);
  expect([claim?.leader, sky.flights.get('key')]).toEqual([undefined, claim?.id]);
});

it('gives back a flight that is not used', async () => {
  const sky = new Sky();
  const { flights } = sky.instance();
  const claim = await flights.claim(REQUEST);
  claim?.release();
  claim?.release();
  await expect.poll(() => sky.flights.size).toBe(0);
});

it('asks nothing while Redis is away, and goes on alone where it fails', async () => {
  const sky = new Sky();
  const { flights } = sky.instance();
  sky.isAway = true;
  expect(await flights.claim({ ...REQUEST, id: 'mine' })).toMatchObject({ id: 'mine', leader: undefined });
  expect(sky.instance().flights.claim(REQUEST)).toBeUndefined();
});
