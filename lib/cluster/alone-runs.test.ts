import { afterEach, expect, it } from 'vitest';
import { Generation, type GenerationContext } from '#lib/chat/generation/generation';
import { InFlight } from '#lib/chat/generation/in-flight';
import { PendingRequest } from '#lib/chat/generation/pending-request';
import { AloneRuns, type AloneRunsOptions } from '#lib/cluster/alone-runs';
import { Mirrors, type MirrorsOptions } from '#lib/cluster/mirrors';
import { encodeEntry } from '#lib/cluster/run-format';
import { MIB } from '#lib/units';

const DONE = { type: 'done', done_reason: 'stop', usage: { prompt_tokens: 1, completion_tokens: 1 } } as const;
const clock = { now: () => 0, after: () => () => {} };

let mirrors: Mirrors | undefined;
afterEach(() => mirrors?.close());

/** A run that was submitted here and waits, with a reader; `begin` lets this instance begin it. */
function setUp() {
  const redis = {
    job: 'waiting' as 'waiting' | 'taken' | 'gone',
    owner: '',
    isWantedElsewhere: false,
    isTakenHere: false,
    isAdopted: true,
  };
  const calls: string[] = [];
  const inFlight = new InFlight(60_000, clock);
  const context: GenerationContext = {
    clock,
    graceMs: 1_000,
    onDone: (generation) => inFlight.settle(generation),
    onUnwanted: (generation, end) => mirrors?.handleUnwanted(generation, end) === true,
  };
  const commands = { xadd: () => commands, pexpire: () => commands, exec: async () => [] };
  const link = {
    instanceId: 'this',
    keys: { log: (run: string) => run, wake: () => 'wake' },
    connection: { isUsable: true, toLocal: (ms: number) => ms, client: { multi: () => commands } },
    connectionOptions: { host: '127.0.0.1', port: 1, retryStrategy: () => null },
  };
  const store = {
    find: async () => ({ owner: redis.owner }),
    discard: (run: string, requests: readonly PendingRequest[]) =>
      calls.push(`discard ${run} of ${requests.map(({ id }) => id).join()}`),
    dropLease: async () => {},
    isWanted: async () => redis.isWantedElsewhere,
    wishes: async () => [],
    cancelTicket: async (ticket: string) => calls.push(`cancel ${ticket}`),
    end: async (run: string) => calls.push(`end ${run}`),
  };
  const line = {
    startHere: () => {
      calls.push('start');
      return true;
    },
    withdraw: async () => redis.job !== 'taken',
  };
  const common = { link, store, inFlight, line: () => line, onRemove: () => {} };
  const own = new Mirrors({
    ...common,
    clock,
    context: () => context,
    serverOf: () => undefined,
    checkOwned: () => {},
  } as unknown as MirrorsOptions);
  mirrors = own;
  const alone = new AloneRuns({
    ...common,
    mirrors: own,
    work: () => ({
      isTaking: () => redis.isTakenHere,
      adopt: async () => {
        calls.push('adopt');
        return redis.isAdopted;
      },
    }),
  } as unknown as AloneRunsOptions);
  const submit = (id: string, key?: string) => {
    const submitted = new Generation(
      { id, caller: 'ann', group: '', model: 'm', createdAt: 0, key, priority: 0, requestBytes: 0 },
      context,
    );
    return new PendingRequest(submitted, {
      ...{ id, caller: 'ann', createdAt: 0, cacheStatus: 'miss', ignoredFields: [], droppedFields: [] },
      ...{ detached: false, conversation: undefined },
    });
  };
  const request = submit('run', 'key');
  const { generation } = request;
  inFlight.registerLeader(generation);
  const begin = (submitted: PendingRequest) => {
    const { generation: run } = submitted;
    own.adopt(run, 'lane');
    inFlight.add(submitted);
    submitted.saved = { eventOffset: 0, isOnDisk: true, isShared: true, written: Promise.resolve() };
    submitted.addReader(() => {});
    const mirror = own.get(run.id);
    if (mirror === undefined) throw new Error('no mirror');
    alone.begin(mirror);
  };
  begin(request);
  return { redis, calls, alone, mirrors: own, inFlight, generation, request, begin, submit };
}

it('owns a run that no other instance has begun, once Redis is back', async () => {
  const { calls, alone } = setUp();
  await alone.settle();
  expect(calls).toEqual(['start', 'adopt']);
  expect(alone.get('run')).toBeUndefined();
});

it('leaves a run to the worker of this instance that has its job', async () => {
  const { redis, calls, alone } = setUp();
  redis.isTakenHere = true;
  await alone.settle();
  expect(calls).toEqual(['start']);
  expect(alone.get('run')).toBeDefined();
});

it('waits until it is known whose worker has the job', async () => {
  const { redis, calls, alone } = setUp();
  redis.job = 'taken';
  await alone.settle();
  expect(calls).toEqual(['start']);
  redis.owner = 'other';
  await alone.settle();
  expect(calls).toEqual(['start', 'adopt']);
});

it('gives its readers the text of another instance that has begun it, where they have none', async () => {
  const { redis, alone, mirrors: all, inFlight, generation, request } = setUp();
  Object.assign(redis, { job: 'taken', owner: 'other', isAdopted: false });
  await alone.settle();
  expect(generation.state).toBe('cancelled');
  expect(request.state).toBe('queued');
  const successor = request.generation;
  expect(successor).not.toBe(generation);
  expect(successor).toMatchObject({ id: 'run', runsElsewhere: true, isMirror: false, isRetained: true });
  expect(inFlight.findLeader('key')).toBe(successor);
  all.applyEntry('run', '1-1', encodeEntry([{ type: 'content', text: 'theirs' }]));
  all.applyEntry('run', '1-2', encodeEntry([DONE]));
  expect([request.state, request.response?.content]).toEqual(['completed', 'theirs']);
});

it('goes on by itself where a reader has some of its text, and another instance has other text', async () => {
  const { redis, calls, alone, mirrors: all, generation, request } = setUp();
  generation.log.append({ type: 'content', text: 'ours' });
  Object.assign(redis, { job: 'taken', owner: 'other', isAdopted: false });
  await alone.settle();
  expect(calls).toEqual(['start', 'adopt', 'discard run of run']);
  all.applyEntry('run', '1-1', encodeEntry([{ type: 'content', text: 'theirs' }]));
  generation.finish(DONE);
  expect([request.state, request.response?.content, request.isShared]).toEqual(['completed', 'ours', false]);
});

it('settles what has ended meanwhile with the requests that it had', async () => {
  const { redis, calls, alone, generation } = setUp();
  generation.log.append({ type: 'content', text: 'ours' });
  generation.finish(DONE);
  Object.assign(redis, { job: 'taken', owner: 'other', isAdopted: false });
  await alone.settle();
  expect(calls).toEqual(['start', 'adopt', 'discard run of run']);
});

it.each([
  { isWantedElsewhere: false, calls: ['start', 'cancel run', 'end run'] },
  { isWantedElsewhere: true, calls: ['start', 'cancel run'] },
])('ends a run whose request was cancelled meanwhile, unless others want it: %o', async (example) => {
  const { redis, calls, alone, inFlight, generation, request } = setUp();
  redis.isWantedElsewhere = example.isWantedElsewhere;
  inFlight.cancel(request, 'user');
  // What is done here is for this request alone.
  expect(generation.state).toBe('cancelled');
  await alone.settle();
  expect(calls).toEqual(example.calls);
  expect(alone.get('run')).toBeUndefined();
});

it('keeps no more text of runs that have ended than 32 MiB, although no other one begins', () => {
  const { alone, calls, begin, generation, submit } = setUp();
  const other = submit('other');
  begin(other);
  const piece = { type: 'content', text: 'x'.repeat(10 * MIB) } as const;
  for (const { log } of [generation, other.generation]) for (const each of [piece, piece]) log.append(each);
  generation.finish(DONE);
  expect(alone.get('run')).toBeDefined();
  other.generation.finish(DONE);
  expect([alone.get('run'), calls.includes('discard run of run')]).toEqual([undefined, true]);
  expect(alone.get('other')).toBeDefined();
});

it('keeps 1,000 runs that have ended, and forgets those that were begun first', () => {
  const { alone, calls, generation, begin, submit } = setUp();
  const others = Array.from({ length: 1_000 }, (_, count) => submit(`run ${count}`));
  for (const other of others) begin(other);
  for (const ended of [generation, ...others.slice(0, -1).map((other) => other.generation)]) ended.finish(DONE);
  expect(alone.get('run')).toBeDefined();
  others.at(-1)?.generation.finish(DONE);
  expect([alone.get('run'), calls.includes('discard run of run')]).toEqual([undefined, true]);
  expect(alone.get('run 0')).toBeDefined();
});
