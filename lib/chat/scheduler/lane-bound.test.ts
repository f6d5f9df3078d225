import { expect, it } from 'vitest';
import { Generation } from '#lib/chat/generation/generation';
import { Scheduler } from '#lib/chat/scheduler/scheduler';
import { readConfig } from '#lib/config/config';
import { createLog } from '#lib/telemetry/log';
import { createMetrics } from '#lib/telemetry/metrics';
import { ManualClock, ScriptedProvider, settled } from '../../../test/support/chat.ts';

/** A scheduler with two slots, where one that is bounded has one of them. */
function begin() {
  const clock = new ManualClock();
  const provider = new ScriptedProvider();
  const scheduler = new Scheduler({
    settings: readConfig({ QUEUE_MAX_CONCURRENT: '2' }),
    clock,
    metrics: createMetrics(),
    log: createLog('silent', process.stdout),
    call: (_provider, request, signal, emit) => provider.chat(request, signal, emit),
  });
  const context = { clock, graceMs: 60_000, onDone: (done: Generation) => scheduler.handleDone(done) };
  const generationOf = (id: string, isDegraded: boolean) => {
    const generation = new Generation(
      {
        ...{ id, caller: 'ann', group: '', model: 'm', createdAt: clock.now(), key: undefined, priority: 0 },
        ...{ provider, request: { model: 'm', messages: [], options: {} }, requestBytes: 0 },
      },
      context,
    );
    generation.isDegraded = isDegraded;
    return generation;
  };
  const lane = scheduler.chooseLane(generationOf('first', false));
  lane.bound = {
    slots: 1,
    allows: (work, running) =>
      !(work instanceof Generation && work.isDegraded) ||
      [...running].every((other) => !(other instanceof Generation && other.isDegraded)),
  };
  const admit = (id: string, isDegraded: boolean) => {
    const generation = generationOf(id, isDegraded);
    if (isDegraded) scheduler.ensureCapacity(generation);
    scheduler.admit(generation, lane, clock.now(), !isDegraded);
    return generation;
  };
  return { scheduler, lane, admit, provider };
}

it('starts what has a slot although bounded work waits, and bounded work in its turn', async () => {
  const { admit, provider } = begin();
  const [one, two] = [admit('one', true), admit('two', true)];
  expect([one.state, two.state]).toEqual(['running', 'queued']);
  const taken = admit('taken', false);
  expect([two.state, taken.state]).toEqual(['queued', 'running']);
  provider.calls[1]?.say('x').done();
  await settled();
  // Its slot is free, and none of it is for bounded work.
  expect([taken.state, two.state]).toEqual(['completed', 'queued']);
  provider.calls[0]?.say('x').done();
  await settled();
  expect([one.state, two.state]).toEqual(['completed', 'running']);
});

it('starts what waits when the bound is lifted', () => {
  const { scheduler, lane, admit } = begin();
  admit('one', true);
  const two = admit('two', true);
  expect(scheduler.queueStatus(two)).toMatchObject({ queue_position: 1 });
  expect(lane.slots).toBe(1);
  lane.bound = undefined;
  expect(two.state).toBe('queued');
  scheduler.dispatch(lane);
  expect(two.state).toBe('running');
  expect(lane.slots).toBe(2);
});
