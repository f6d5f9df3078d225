import { expect, it } from 'vitest';
import { RunWork } from '#lib/cluster/run-processor';

it('ends a run that can never begin, so that it does not hold its slot', async () => {
  const ended: string[] = [];
  let tries = 0;
  const work = new RunWork({
    link: { instanceId: 'this', connection: { isUsable: true }, instanceIds: () => ['this'] },
    store: {
      find: async () => ({ attempt: 0, model: 'm', owner: '' }),
      lastEntry: async () => undefined,
      wishes: async () => [{ wanted: 1, tickets: 1, cancelledBy: undefined }],
      // Of a version that writes requests in another way.
      readRequest: async () => {
        tries += 1;
        return Buffer.from('no request');
      },
      end: async (run: string, event: { error: { code: string } }) => ended.push(`${run} ${event.error.code}`),
    },
    mirrors: { get: () => undefined },
    clock: { now: () => 0, after: () => () => {} },
    laneOf: () => ({}),
    log: { error: () => {} },
  } as unknown as ConstructorParameters<typeof RunWork>[0]);
  const signal = new AbortController().signal;
  expect(await work.process({ run: 'run', lane: 'lane', stalled: 0, signal })).toBe('ended');
  expect([tries, ended]).toEqual([5, ['run worker_lost']]);
}, 10_000);
