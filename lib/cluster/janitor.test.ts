import { expect, it } from 'vitest';
import type { FinalEvent } from '#lib/chat/generation/generation';
import type { Clock } from '#lib/clock';
import { Janitor, type JanitorParts } from '#lib/cluster/janitor';

/** A janitor over one waiting run that has a job, and whose leases have run out. */
function janitorOf() {
  let nowMs = 0;
  const clock: Clock = { now: () => nowMs, after: () => () => {} };
  const ended: string[] = [];
  const connection = { isUsable: true, client: { set: async () => 'OK' } };
  const parts = {
    link: { connection, instanceId: 'one', keys: { janitor: 'janitor' } },
    runs: {
      untouched: async () => ['run'],
      touch: async () => {},
      read: async (id: string) => ({ id, state: 'queued', lane: 'lane', cancelledBy: undefined }),
      isWanted: async () => false,
      end: async (run: string, event: FinalEvent) => ended.push(`${run} ${event.type}`),
    },
    lanes: { ids: [], queueOf: () => ({ remove: async () => undefined, has: async () => true }) },
    turns: {},
  };
  return {
    janitor: new Janitor(parts as unknown as JanitorParts, clock),
    connection,
    ended,
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
