/** What happens to several servers while they are under load: always the same for one seed. */

export const EVENT_KINDS = [
  'instance killed',
  'Redis restarted',
  'model server restarted',
  'cut off from Redis',
  'rolling deploy',
] as const;
export type EventKind = (typeof EVENT_KINDS)[number];

export type ChaosEvent = {
  /** From the end of the one before. */
  readonly waitMs: number;
} & (
  | { readonly kind: 'instance killed'; readonly instance: number; readonly awayMs: number }
  | { readonly kind: 'Redis restarted'; readonly awayMs: number }
  | { readonly kind: 'model server restarted'; readonly server: number; readonly awayMs: number }
  | {
      readonly kind: 'cut off from Redis';
      readonly instance: number;
      readonly awayMs: number;
      /** Its connections stay open and carry nothing; otherwise they are closed and refused. */
      readonly isFrozen: boolean;
    }
  | { readonly kind: 'rolling deploy'; readonly order: readonly number[] }
);

export interface Fleet {
  readonly instances: number;
  readonly modelServers: number;
}

const MIN_WAIT_MS = 3_000;
const MAX_WAIT_MS = 12_000;
const MIN_AWAY_MS = 1_000;
const MAX_AWAY_MS = 8_000;

/** Numbers from 0 to below 1, always the same for one seed: mulberry32 by Tommy Ettinger. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Events without an end: all kinds in a random order, and again in another one. So of any seed each
 * kind happens within as many events as there are kinds.
 */
export function* chaosEvents(seed: number, { instances, modelServers }: Fleet): Generator<ChaosEvent, never> {
  const random = randomOf(seed);
  const between = (from: number, to: number) => Math.round(from + random() * (to - from));
  const one = (count: number) => Math.floor(random() * count);
  for (;;)
    for (const kind of shuffled(EVENT_KINDS, random)) {
      const waitMs = between(MIN_WAIT_MS, MAX_WAIT_MS);
      const awayMs = between(MIN_AWAY_MS, MAX_AWAY_MS);
      switch (kind) {
        case 'instance killed':
          yield { kind, waitMs, awayMs, instance: one(instances) };
          break;
        case 'Redis restarted':
          yield { kind, waitMs, awayMs };
          break;
        case 'model server restarted':
          yield { kind, waitMs, awayMs, server: one(modelServers) };
          break;
        case 'cut off from Redis':
          yield { kind, waitMs, awayMs, instance: one(instances), isFrozen: random() < 0.5 };
          break;
        case 'rolling deploy':
          yield { kind, waitMs, order: shuffled([...Array(instances).keys()], random) };
          break;
      }
    }
}

/** The items in a random order: Fisher and Yates. */
export function shuffled<Item>(items: readonly Item[], random: () => number): Item[] {
  const left = [...items];
  const order: Item[] = [];
  while (left.length > 0) order.push(...left.splice(Math.floor(random() * left.length), 1));
  return order;
}

/** What an event does, for the log of a run. */
export function describeEvent(event: ChaosEvent): string {
  const seconds = 'awayMs' in event ? ` for ${(event.awayMs / 1_000).toFixed(1)} s` : '';
  switch (event.kind) {
    case 'instance killed':
      return `instance ${event.instance + 1} is killed${seconds}`;
    case 'Redis restarted':
      return `Redis is killed${seconds}`;
    case 'model server restarted':
      return `model server ${event.server + 1} is ended${seconds}`;
    case 'cut off from Redis':
      return `instance ${event.instance + 1} ${event.isFrozen ? 'hears nothing of' : 'is cut off from'} Redis${seconds}`;
    case 'rolling deploy':
      return `instances ${event.order.map((index) => index + 1).join(', ')} are restarted one after another`;
  }
}
