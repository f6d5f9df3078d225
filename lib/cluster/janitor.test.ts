import { expect, it } from 'vitest';
import type { FinalEvent } from '#lib/chat/generation/generation';
import type { Clock } from '#lib/clock';
import { Janitor, type JanitorParts } from '#lib/cluster/janitor';

/** A janitor over one waiting run that has a job, and whose leases have run out. */
function janitorOf() {
  let nowMs = 0;
  const clock: Clock = { now: () => nowMs, after: () => () => {} };
  const ended: string[] = [];
  const renewed: string[] = [];
  const run = {
    cancelledBy: undefined as string | undefined,
    isWanted: false,
    state: 'queued',
    hasJob: true,
    hasText: false,
  };
  const added: string[] = [];
  const connection = { isUsable: true, client: { set: async () => 'OK' } };
  const parts = {
    link: { connection, instanceId: 'one', keys: { janitor: 'janitor', nameOf: (name: string) => name } },
    runs: {
      untouched: async () => ['run'],
      touch: async () => {},
      renew: async (runs: readonly string[]) => void renewed.push(...runs),
      read: async (id: string) => ({
        ...{ id, state: run.state, lane: 'lane', caller: 'ann', priority: 0, group: '', turn: 3, sortKey: 3 },
        cancelledBy: run.cancelledBy,
      }),
      requeue: async () => !run.hasText,
      isWanted: async () => run.isWanted,
      end: async (id: string, event: FinalEvent) => ended.push(`${id} ${event.type}`),
    },
    lanes: {
      ids: [],
      remove: async () => 'removed',
      queueOf: () => ({
        has: async () => run.hasJob,
        add: async ({ run: id, sortKey }: { run: string; sortKey: number }) => added.push(`${id} at ${sortKey}`),
      }),
    },
    turns: {},
  };
  return {
    janitor: new Janitor(parts as unknown as JanitorParts, clock),
    connection,
    added,
    ended,
    renewed,
    run,
    pass: (ms: number) => {
      nowMs += ms;
    },
  };
}

it('ends a run that is not wanted any more', async () => {
  const { janitor, ended } = janitorOf();
  await janitor.round();
  expect(ended).toEqual(['run error']);
});

it('ends no run whose leases could not be renewed while Redis was away', async () => {
  const { janitor, connection, ended, pass } = janitorOf();
  connection.isUsable = false;
  await janitor.round();
  connection.isUsable = true;
  pass(5_000);
  await janitor.round();
  expect(ended).toEqual([]);
  // By now every instance that is there has renewed them.
  pass(20_000);
  await janitor.round();
  expect(ended).toEqual(['run error']);
});

it('keeps a run that another request joins after its last one was cancelled', async () => {
  const { janitor, ended, renewed, run } = janitorOf();
  run.cancelledBy = 'user';
  run.isWanted = true;
  await janitor.round();
  expect(ended).toEqual([]);
  // Its submitter may have ended: its keys would expire.
  expect(renewed).toEqual(['run']);
  run.isWanted = false;
  await janitor.round();
  expect(ended).toEqual(['run error']);
});

it.each([
  { state: 'queued', hasText: false, added: ['run at 3'], ended: [] },
  { state: 'running', hasText: false, added: ['run at 3'], ended: [] },
  { state: 'running', hasText: true, added: [], ended: ['run error'] },
])('gives a run whose job is lost its job again, or ends it: %o', async ({ state, hasText, ...expected }) => {
  const { janitor, added, ended, run } = janitorOf();
  Object.assign(run, { isWanted: true, hasJob: false, state, hasText });
  await janitor.round();
  expect({ added, ended }).toEqual(expected);
});

it('ends no run for its leases right after a new connection, over which Redis may have lost them', async () => {
  const { janitor, connection, ended, pass } = janitorOf();
  Object.assign(connection, { epoch: 1 });
  await janitor.round();
  ended.length = 0;
  Object.assign(connection, { epoch: 2 });
  await janitor.round();
  expect(ended).toEqual([]);
  pass(25_000);
  await janitor.round();
  expect(ended).toEqual(['run error']);
});
