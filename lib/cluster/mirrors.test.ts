import { afterEach, expect, it } from 'vitest';
import { ABANDONED } from '#lib/chat/generation/cancellation';
import { ALONE_OFFSET } from '#lib/chat/generation/event-numbers';
import { Generation, type GenerationContext } from '#lib/chat/generation/generation';
import { AloneRuns, type AloneRunsOptions } from '#lib/cluster/alone-runs';
import { WORKER_LOST } from '#lib/cluster/lost-runs';
import { Mirrors, type MirrorsOptions } from '#lib/cluster/mirrors';
import { RunCare, type RunCareOptions } from '#lib/cluster/run-care';
import { type EntryEvent, encodeEntry, type StoredRun } from '#lib/cluster/run-format';
import type { RunRecovery } from '#lib/cluster/run-recovery';
import type { ModelServer } from '#lib/models/model-server';

const DONE: EntryEvent = { type: 'done', done_reason: 'stop', usage: { prompt_tokens: 1, completion_tokens: 1 } };
const say = (text: string): EntryEvent => ({ type: 'content', text });
const entry = (id: string, event: EntryEvent, model?: string): [string, string[]] => [
  id,
  encodeEntry([event], { model }),
];

const API = { id: 'api', name: 'api' } as ModelServer;
const STORED: StoredRun = {
  ...{ state: 'running', lane: 'lane', group: '', caller: 'ann', priority: 0, model: 'first', createdAt: 0 },
  ...{ key: 'key', flightKey: '', isNew: '0', cached: '0', prefixKey: '', targets: '', requestBytes: 0 },
  ...{ attempt: 1, owner: 'other', behind: '' },
};

let mirrors: Mirrors | undefined;
let care: RunCare | undefined;
afterEach(() => {
  care?.close();
  mirrors?.close();
});

/** Mirrors over a Redis that has at most one run. */
function begin({ stored, entries = [] }: { stored?: StoredRun; entries?: [string, string[]][] }) {
  let nowMs = 0;
  let tick = () => {};
  const state = {
    isEntering: false,
    found: 0,
    leases: [] as string[],
    entered: [] as string[],
    isHeld: false,
    areLeasesRefused: false,
    requests: [] as { readers: Set<() => void> | undefined; goesOnElsewhere?: boolean }[],
    forgotten: [] as unknown[],
  };
  const clock = {
    now: () => nowMs,
    after: (_ms: number, call: () => void) => {
      tick = call;
      return () => {};
    },
  };
  const context: GenerationContext = { clock, graceMs: 1_000, onDone: () => {} };
  const startedHere: string[] = [];
  // What wakes the reads of logs, which no Redis is there for.
  const commands = { xadd: () => commands, pexpire: () => commands, exec: async () => [] };
  const options = {
    link: {
      instanceId: 'this',
      keys: { log: (run: string) => run, wake: () => 'wake' },
      connection: { isUsable: true, toLocal: (ms: number) => ms, client: { multi: () => commands } },
      connectionOptions: { host: '127.0.0.1', port: 1, retryStrategy: () => null },
    },
    store: {
      readAll: async () => ({ stored, entries }),
      fates: async (runs: readonly string[]) => {
        state.found += runs.length;
        return runs.map(() => (stored === undefined ? 'gone' : stored.finishedAt === undefined ? 'open' : 'ended'));
      },
      entries: async () => entries,
      isEntering: () => state.isEntering,
      removeDiscarded: async () => {},
      renewLeases: async (runs: readonly string[]) => {
        if (state.areLeasesRefused) throw new Error('Redis does not respond.');
        state.leases.push(...runs);
      },
      discard: () => {},
    },
    inFlight: { requestsOf: () => state.requests, forget: (request: unknown) => state.forgotten.push(request) },
    clock,
    context: () => context,
    serverOf: (id: string) => (id === 'api' ? API : undefined),
    line: () => ({
      withdraw: async () => true,
      startHere: ({ id }: Generation) => {
        startedHere.push(id);
        return true;
      },
      enterAgain: ({ id }: Generation) => state.entered.push(id),
      hold: (isHeld: boolean) => {
        state.isHeld = isHeld;
      },
    }),
    work: () => ({ isTaking: () => true, adopt: async () => true }),
    checkOwned: () => {},
    onRemove: () => {},
  };
  mirrors = new Mirrors(options as unknown as MirrorsOptions);
  const alone = new AloneRuns({ ...options, mirrors } as unknown as AloneRunsOptions);
  const recovery = { recover: async () => {} } as unknown as RunRecovery;
  const unshared = { share: async () => {} };
  care = new RunCare({ ...options, mirrors, alone, unshared, recovery } as unknown as RunCareOptions);
  const submitted = new Generation(
    {
      ...{ id: 'run', caller: 'ann', group: '', model: 'first', createdAt: 0, key: 'key', priority: 0 },
      ...{ requestBytes: 0, behind: '', request: { model: 'first', messages: [], options: {} } },
    },
    context,
  );
  const pass = async (ms: number) => {
    nowMs += ms;
    tick();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { mirrors, submitted, startedHere, state, connection: options.link.connection, pass };
}

const lastOf = ({ log }: Generation) => log.eventAt(log.lastNumber);

it('has the events of a run that another instance works on', async () => {
  const begun = begin({ stored: STORED, entries: [entry('1-1', say('a')), entry('1-2', DONE)] });
  const generation = await begun.mirrors.of('run');
  expect(generation).toMatchObject({ state: 'completed', model: 'first', key: 'key' });
});

it('ends a run of whose events Redis has lost some', async () => {
  const entries = [entry('1-1', say('a')), entry('1-3', say('c')), entry('1-4', DONE)];
  const generation = await begin({ stored: STORED, entries }).mirrors.of('run');
  expect(generation?.state).toBe('failed');
  expect(generation && lastOf(generation)).toMatchObject({ type: 'error', error: { code: 'worker_lost' } });
  expect(generation?.log.text('content')).toBe('a');
});

it('says the model that has written, and caches nothing of it under the key of another', async () => {
  const entries = [entry('1-1', say('a'), 'second'), entry('1-2', DONE, 'second')];
  const generation = await begin({ stored: STORED, entries }).mirrors.of('run');
  expect(generation).toMatchObject({ state: 'completed', model: 'second', key: undefined });
  expect(generation?.response?.model).toBe('second');
});

it('knows the server that has written, also where the first one had failed', async () => {
  const { mirrors: all, submitted } = begin({});
  all.adopt(submitted, 'lane');
  all.applyEntry('run', '1-0', encodeEntry([{ type: 'started', server: 'gpu', model: 'first' }]));
  expect(submitted.server).toBeUndefined();
  all.applyEntry('run', '1-1', encodeEntry([say('a')], { server: 'api' }));
  expect([submitted.server, submitted.model]).toEqual([API, 'first']);
});

it('puts a waiting run that Redis has lost into the line again, unless that is on its way there', async () => {
  const { mirrors: all, submitted, startedHere, state, pass } = begin({});
  state.isEntering = true;
  all.adopt(submitted, 'lane');
  await pass(10_000);
  expect([state.found, state.entered]).toEqual([0, []]);
  state.isEntering = false;
  await pass(1_000);
  expect([state.entered, startedHere]).toEqual([['run'], []]);
});

it('leaves a lost run to the instance that works on it for 10 s, and begins it again where that is lost', async () => {
  const { mirrors: all, submitted, state, pass } = begin({});
  all.adopt(submitted, 'lane');
  all.applyEntry('run', '1-0', encodeEntry([{ type: 'started', server: 'gpu', model: 'first' }]));
  for (let second = 0; second < 12; second++) await pass(1_000);
  expect([submitted.state, state.entered]).toEqual(['running', []]);
  for (let second = 0; second < 4; second++) await pass(1_000);
  expect([submitted.state, state.entered]).toEqual(['queued', ['run']]);
});

it('ends a lost run after 10 s of which there is text', async () => {
  const { mirrors: all, submitted, state, pass } = begin({});
  all.adopt(submitted, 'lane');
  all.applyEntry('run', '1-1', encodeEntry([say('a')]));
  for (let second = 0; second < 12; second++) await pass(1_000);
  expect(submitted.finishedAt).toBeUndefined();
  for (let second = 0; second < 4; second++) await pass(1_000);
  expect(lastOf(submitted)).toMatchObject({ type: 'error', error: { code: 'worker_lost' } });
  expect(state.entered).toEqual([]);
});

it('renews leases with the next tick where that has failed', async () => {
  const { mirrors: all, submitted, state, pass } = begin({ stored: STORED });
  all.adopt(submitted, 'lane');
  state.areLeasesRefused = true;
  for (let second = 0; second < 5; second++) await pass(1_000);
  state.areLeasesRefused = false;
  await pass(100);
  expect(state.leases).toEqual(['run']);
});

it('begins what waits here for a reader once Redis is away for 5 s, and nothing else', async () => {
  const { mirrors: all, submitted, startedHere, state, connection, pass } = begin({ stored: STORED });
  all.adopt(submitted, 'lane');
  connection.isUsable = false;
  state.requests = [{ readers: undefined }];
  for (let second = 0; second < 10; second++) await pass(1_000);
  expect(startedHere).toEqual([]);
  state.requests = [{ readers: new Set() }];
  await pass(1_000);
  expect(startedHere).toEqual(['run']);
  await pass(1_000);
  expect(startedHere).toEqual(['run']);
});

it('begins nothing while Redis is away for less than 5 s', async () => {
  const { mirrors: all, submitted, startedHere, state, connection, pass } = begin({ stored: STORED });
  all.adopt(submitted, 'lane');
  state.requests = [{ readers: new Set() }];
  connection.isUsable = false;
  for (let second = 0; second < 5; second++) await pass(1_000);
  connection.isUsable = true;
  await pass(1_000);
  connection.isUsable = false;
  for (let second = 0; second < 5; second++) await pass(1_000);
  expect(startedHere).toEqual([]);
});

it('says to readers after 5 s that it does not reach the server that works on the run, and when it does', async () => {
  const {
    mirrors: all,
    connection,
    pass,
  } = begin({
    stored: STORED,
    entries: [entry('1-0', STARTED), entry('1-1', say('a'))],
  });
  const generation = (await all.of('run')) ?? expect.fail();
  const statusOf = () => generation.log.status;
  connection.isUsable = false;
  for (let second = 0; second < 5; second++) await pass(1_000);
  expect(statusOf()?.connection_lost).toBeUndefined();
  await pass(1_000);
  const lost = statusOf();
  expect(lost).toMatchObject({ status: 'processing', connection_lost: true });
  await pass(1_000);
  expect(statusOf()).toBe(lost);
  connection.isUsable = true;
  await pass(1_000);
  expect(statusOf()).toMatchObject({ status: 'processing', connection_lost: false });
  all.applyEntry('run', '1-2', encodeEntry([say('b')]));
  expect(generation.log.text('content')).toBe('ab');
});

it('holds workers after 5 s without Redis, until each instance can have taken out what it has begun', async () => {
  const { state, connection, pass } = begin({ stored: STORED });
  connection.isUsable = false;
  for (let second = 0; second < 5; second++) await pass(1_000);
  expect(state.isHeld).toBe(false);
  await pass(1_000);
  expect(state.isHeld).toBe(true);
  connection.isUsable = true;
  await pass(1_000);
  expect(state.isHeld).toBe(true);
  await pass(1_000);
  expect(state.isHeld).toBe(false);
});

const STARTED: EntryEvent = { type: 'started', server: 'server', model: 'first' };

it('numbers the events of a second attempt above all of the first', async () => {
  const entries = [...[entry('1-0', STARTED), entry('2-0', STARTED)], ...[entry('2-1', say('a')), entry('2-2', DONE)]];
  const generation = await begin({ stored: STORED, entries }).mirrors.of('run');
  expect([generation?.eventOffset, generation?.endOffset]).toEqual([2 ** 20, 2 ** 20]);
});

it('numbers the end of a lost attempt above what its readers may have', async () => {
  const { error } = WORKER_LOST;
  const entries = [entry('1-0', STARTED), entry('1-1', say('a')), entry('2-2', { type: 'error', error })];
  const generation = await begin({ stored: STORED, entries }).mirrors.of('run');
  expect([generation?.eventOffset, generation?.endOffset]).toEqual([0, 2 ** 20]);
});

it('sends its readers away when a run begins again whose text Redis has lost', async () => {
  const request = { readers: undefined, goesOnElsewhere: false };
  const begun = begin({ stored: STORED, entries: [entry('1-0', STARTED), entry('1-1', say('lost'))] });
  begun.state.requests.push(request);
  const generation = await begun.mirrors.of('run');
  for (const [id, fields] of [entry('2-0', STARTED), entry('2-1', say('new'))])
    begun.mirrors.applyEntry('run', id, fields);
  expect(generation?.log.text('content')).toBe('lost');
  expect(generation && lastOf(generation)).toMatchObject({ type: 'error', error: { code: 'shutting_down' } });
  expect(request.goesOnElsewhere).toBe(true);
  expect(begun.state.forgotten).toEqual([request]);
  expect(begun.mirrors.get('run')).toBeUndefined();
});

it('gives a reader that comes back the text of the last attempt, whatever earlier ones have written', async () => {
  const entries = [
    ...[entry('1-0', STARTED), entry('1-2', say('void')), entry('2-0', STARTED)],
    ...[entry('3-0', STARTED), entry('3-1', say('new'))],
  ];
  const { mirrors: all } = begin({ stored: STORED, entries });
  const generation = (await all.of('run')) ?? expect.fail();
  expect([generation.finishedAt, generation.log.text('content')]).toEqual([undefined, 'new']);
  expect(generation.eventOffset).toBe(2 * 2 ** 20);
  all.applyEntry('run', ...entry('3-2', DONE));
  expect(generation.response?.content).toBe('new');
});

it('adds nothing of another attempt to a text, also where a log is read again', async () => {
  const entries = [entry('2-0', STARTED), entry('2-1', say('a'))];
  const { mirrors: all } = begin({ stored: STORED, entries });
  const generation = (await all.of('run')) ?? expect.fail();
  const all1 = encodeEntry([say('void'), say('void'), say('void')]);
  for (const [id, fields] of [entry('1-0', STARTED), ['1-3', all1] as const, ...entries])
    all.applyEntry('run', id, fields);
  expect(generation.log.text('content')).toBe('a');
  // The start of the third attempt is lost.
  all.applyEntry('run', ...entry('3-2', say('void')));
  expect(generation.log.text('content')).toBe('a');
  expect(lastOf(generation)).toMatchObject({ type: 'error', error: { code: 'shutting_down' } });
});

it('numbers the events of a run that it does by itself as those of no other server', () => {
  const { mirrors: all, submitted } = begin({ stored: STORED });
  all.adopt(submitted, 'lane');
  const mirror = all.get('run') ?? expect.fail();
  all.beginAlone(mirror);
  expect(submitted.eventOffset).toBe(ALONE_OFFSET);
  all.waitAgain(mirror);
  expect(submitted.eventOffset).toBe(0);
});

it('says to a reply on its way that a request goes on that is not looked at here any more', async () => {
  const request = { readers: undefined, goesOnElsewhere: false, isCopy: true };
  const begun = begin({ stored: { ...STORED, state: 'queued' } });
  const generation = (await begun.mirrors.of('run')) ?? expect.fail();
  begun.state.requests.push(request);
  const isKept = begun.mirrors.handleUnwanted(generation, { type: 'error', error: ABANDONED });
  // It is not cancelled: it waits, or runs elsewhere.
  expect(isKept).toBe(true);
  expect(generation.state).not.toBe('cancelled');
  expect([request.goesOnElsewhere, begun.state.forgotten]).toEqual([true, [request]]);
  expect(begun.mirrors.get('run')).toBeUndefined();
});
