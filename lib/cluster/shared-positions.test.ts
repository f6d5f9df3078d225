import { expect, it } from 'vitest';
import type { Generation } from '#lib/chat/generation/generation';
import { SharedPositions, type SharedPositionsOptions } from '#lib/cluster/shared-positions';
import { ManualClock } from '../../test/support/chat.ts';
import { generationOf } from '../../test/support/shared-line.ts';

const nameOf = (place: number) => `run ${place}`;

/** The positions of one line in a Redis that only counts what is asked. */
function begin(length: number) {
  const clock = new ManualClock();
  const line = Array.from({ length }, (_, place) => nameOf(place));
  const asked = { pages: 0, lanes: 0, singly: 0 };
  const queue = {
    front: async (count: number) => ({ waiting: line.length, running: 1, runs: line.slice(0, count), first: 0 }),
    page: async (from: number, count: number) => {
      asked.pages += 1;
      return { runs: line.slice(from, from + count), first: 0 };
    },
    positions: async (runs: readonly string[]) => {
      asked.singly += runs.length;
      return new Map(runs.flatMap((run) => (line.includes(run) ? [[run, line.indexOf(run) + 1]] : [])));
    },
  };
  const options = {
    lanes: { queueOf: () => queue, setCounts: () => {}, laneOf: () => undefined, waiting: length },
    isUsable: () => true,
    laneIdOf: async () => {
      asked.lanes += 1;
      return 'lane';
    },
    isEntering: () => false,
    namesServers: () => false,
  } as unknown as SharedPositionsOptions;
  const positions = new SharedPositions(options, clock);
  const watch = (places: readonly number[]): Generation[] =>
    places.map((place) => {
      const generation = generationOf(nameOf(place), 'caller');
      generation.retain();
      positions.watch(generation);
      return generation;
    });
  return { clock, line, asked, watch };
}

const shown = (generations: readonly Generation[]) => generations.map(({ log }) => log.status?.queue_position);

it('shows the position of each of thousands behind the front with every look', async () => {
  const { clock, line, asked, watch } = begin(3_000);
  const places = Array.from({ length: 2_500 }, (_, index) => index + 500);
  const generations = watch(places);
  await clock.advance(0);
  expect(shown(generations)).toEqual(places.map((place) => place + 1));
  line.splice(0, 7);
  await clock.advance(1_000);
  expect(shown(generations)).toEqual(places.map((place) => place - 6));
  // Two pages with each look, until all are found.
  expect(asked).toEqual({ pages: 4, lanes: 2_500, singly: 0 });
});

it('asks for a few behind the front by their names', async () => {
  const { clock, line, asked, watch } = begin(30_000);
  const generations = watch([2_000, 29_999]);
  await clock.advance(0);
  line.splice(0, 1);
  await clock.advance(1_000);
  expect(shown(generations)).toEqual([2_000, 29_999]);
  expect(asked).toEqual({ pages: 0, lanes: 2, singly: 4 });
});

it('reads a line that is too long for one look in parts', async () => {
  const { clock, asked, watch } = begin(25_000);
  const places = Array.from({ length: 300 }, (_, index) => 1_000 + 80 * index);
  const generations = watch(places);
  await clock.advance(0);
  expect(asked.pages).toBe(10);
  expect(shown(generations)).toEqual(places.map((place) => (place < 11_000 ? place + 1 : undefined)));
  await clock.advance(2_000);
  expect(shown(generations)).toEqual(places.map((place) => place + 1));
});

it('asks again for the lane of a run that is not in its line any more', async () => {
  const { clock, line, asked, watch } = begin(5_000);
  const [generation] = watch([4_000]);
  await clock.advance(0);
  line.splice(4_000, 1);
  await clock.advance(1_000);
  expect(asked.lanes).toBe(1);
  line.unshift(nameOf(4_000));
  await clock.advance(1_000);
  expect(asked.lanes).toBe(2);
  expect(generation?.log.status?.queue_position).toBe(1);
});
