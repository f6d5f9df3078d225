import { expect, it, vi } from 'vitest';
import { attemptOffset } from '#lib/chat/generation/event-numbers';
import type { OwnedRun } from '#lib/cluster/owned-run';
import { RunVerifier, type RunVerifierOptions } from '#lib/cluster/run-verifier';

type Failure = { error: { code: string } };
const DONE = { type: 'done', done_reason: 'stop', usage: { prompt_tokens: 1, completion_tokens: 1 } };

/** Owned runs, of whose logs Redis has the events up to a number each. */
function begin(events: Readonly<Record<string, number>>) {
  const connection = { epoch: 1, isUsable: true };
  const calls: string[] = [];
  const failing = new Set<string>();
  const owner = { of: 'this' };
  const ended = new Set<string>();
  const errors: string[] = [];
  let nowMs = 0;
  const runOf = (id: string, { lastNumber = 10, isClosed = false, isReturned = false } = {}) =>
    ({
      ...{
        generation: { id, log: { lastNumber }, finish: ({ error }: Failure) => calls.push(`${id} ${error.code}`) },
        lane: 'lane',
        attempt: 1,
        isReturned,
        requests: () => [],
      },
      writer: {
        isClosed,
        rewind: (number: number) => calls.push(`${id} from ${number}`),
        renumber: (attempt: number) => calls.push(`${id} as ${attempt}`),
        close: () => calls.push(`${id} closed`),
      },
    }) as unknown as OwnedRun;
  const owned: OwnedRun[] = [];
  const verifier = new RunVerifier({
    link: { connection, instanceId: 'this' },
    clock: { now: () => nowMs, after: () => () => {} },
    log: { error: ({ run }: { run: string }) => errors.push(run) },
    store: {
      find: async (run: string) => {
        if (failing.has(run)) throw new Error('WRONGTYPE');
        return { attempt: 1, owner: owner.of };
      },
      firstEntry: async () => ({ id: { attempt: 1, number: 0 } }),
      lastEntry: async (run: string) => ({
        id: { attempt: 1, number: events[run] ?? 0 },
        events: ended.has(run) ? [DONE] : [],
      }),
      beginAttempt: async () => 2,
      appendStarted: async () => {},
    },
    owned: () => owned,
    writeAgain: ({ generation: { id } }: OwnedRun) => calls.push(`${id} again`),
  } as unknown as RunVerifierOptions);
  const verified = () => vi.waitFor(() => expect(verifier.look()).toBe(false));
  const pass = (ms: number) => {
    nowMs += ms;
  };
  return { connection, calls, failing, owner, ended, errors, owned, verifier, runOf, verified, pass };
}

it('holds what is to be written after a new connection, until it knows what Redis has', async () => {
  const { connection, calls, owned, verifier, runOf, verified } = begin({ one: 7 });
  owned.push(runOf('one'));
  expect(verifier.look()).toBe(false);
  connection.epoch = 2;
  connection.isUsable = false;
  expect(verifier.look()).toBe(true);
  await Promise.resolve();
  expect(calls).toEqual([]);
  connection.isUsable = true;
  expect(verifier.look()).toBe(true);
  await verified();
  expect(calls).toEqual(['one from 7']);
});

it('writes runs again that have ended lately, and none of before', async () => {
  const { connection, calls, verifier, runOf, verified, pass } = begin({ lost: 3, there: 10, old: 0 });
  verifier.handleEnded(runOf('old', { isClosed: true }));
  pass(6_000);
  verifier.handleEnded(runOf('lost', { isClosed: true }));
  verifier.handleEnded(runOf('there', { isClosed: true }));
  verifier.forgetOld();
  connection.epoch = 2;
  await verified();
  expect(calls).toEqual(['lost again']);
});

it('leaves a run that went back to the line, and is not held up by one that it cannot look at', async () => {
  const { connection, calls, failing, errors, owned, runOf, verified } = begin({ bad: 1, returned: 1, good: 1 });
  owned.push(runOf('bad'), runOf('returned', { isReturned: true, isClosed: true }), runOf('good'));
  failing.add('bad');
  connection.epoch = 2;
  await verified();
  expect([calls, errors]).toEqual([['good from 1'], ['bad']]);
});

it('goes on as a further attempt where another instance has begun one of the same number', async () => {
  const { connection, calls, owner, owned, verifier, runOf, verified } = begin({ one: 3, ended: 3 });
  owned.push(runOf('one'));
  verifier.handleEnded(runOf('ended', { isClosed: true }));
  owner.of = 'other';
  connection.epoch = 2;
  await verified();
  expect(calls.sort()).toEqual(['ended again', 'ended as 2', 'one as 2', 'one from 0']);
  expect(owned[0]).toMatchObject({ attempt: 2, generation: { eventOffset: attemptOffset(2) } });
});

it('ends a run with an error of which another instance has written all, under the same number', async () => {
  const { connection, calls, owner, ended, owned, runOf, verified } = begin({ one: 3 });
  owned.push(runOf('one'));
  owner.of = 'other';
  ended.add('one');
  connection.epoch = 2;
  await verified();
  expect(calls).toEqual(['one closed', 'one worker_lost']);
  expect(owned[0]).toMatchObject({ generation: { endOffset: attemptOffset(2) } });
});
