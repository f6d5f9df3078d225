import { expect, it } from 'vitest';
import { Generation } from '#lib/chat/generation/generation';
import type { RunnableTask } from '#lib/chat/scheduler/task';
import { LocalShare } from '#lib/cluster/local-share';
import type { ClusterLink, LocalLane } from '#lib/cluster/shared-types';

type Work = Generation | RunnableTask;

function generation(isDegraded: boolean): Generation {
  const made = new Generation({
    ...{ id: 'run', caller: 'ann', group: '', model: 'model', createdAt: 0, key: undefined, priority: 0 },
    requestBytes: 0,
  });
  made.isDegraded = isDegraded;
  return made;
}

const task = {} as RunnableTask;
const degraded = () => generation(true);
const taken = () => generation(false);

/** The bound of a server, as one of several instances has it. */
function boundOf(slots: number, instances: number) {
  const state = { isUsable: true, instances };
  const link = {
    connection: state,
    instanceIds: () => Array.from({ length: state.instances }, (_, index) => String(index)),
  } as unknown as ClusterLink;
  const bound = new LocalShare(link).boundOf({ server: { slots } } as LocalLane);
  return { state, bound, allows: (work: Work, ...running: Work[]) => bound.allows(work, new Set(running)) };
}

it.each([
  { slots: 4, instances: 2, part: 2 },
  { slots: 5, instances: 2, part: 2 },
  { slots: 1, instances: 3, part: 1 },
  { slots: 4, instances: 1, part: 4 },
])('leaves $part of $slots slots to one of $instances instances while Redis is away', ({ slots, instances, part }) => {
  const { state, bound, allows } = boundOf(slots, instances);
  expect(bound.slots).toBe(slots);
  state.isUsable = false;
  expect(bound.slots).toBe(part);
  const running = Array.from({ length: part }, degraded);
  expect(allows(degraded(), ...running)).toBe(false);
  expect(allows(task, ...running)).toBe(false);
  expect(allows(degraded(), ...running.slice(1))).toBe(true);
});

it('counts what was taken before Redis went, and keeps none of that from its slot', () => {
  const { state, allows } = boundOf(4, 2);
  state.isUsable = false;
  expect(allows(degraded(), taken(), taken())).toBe(false);
  expect(allows(taken(), degraded(), degraded())).toBe(true);
});

it('keeps the number of instances that was known when Redis went', () => {
  const { state, bound } = boundOf(4, 4);
  state.isUsable = false;
  expect(bound.slots).toBe(1);
  state.instances = 1;
  expect(bound.slots).toBe(1);
});

it('drains what was begun alone within the same part when Redis is back', () => {
  const { state, allows } = boundOf(4, 4);
  state.isUsable = false;
  expect(allows(degraded())).toBe(true);
  state.isUsable = true;
  expect(allows(degraded(), degraded())).toBe(false);
  expect(allows(degraded(), taken(), taken())).toBe(true);
  expect(allows(taken(), degraded(), taken(), taken())).toBe(true);
  expect(allows(task, degraded(), taken(), taken())).toBe(true);
});
