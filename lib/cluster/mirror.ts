import { attemptOffset } from '#lib/chat/generation/event-numbers';
import { Generation, type GenerationContext } from '#lib/chat/generation/generation';
import type { Clock } from '#lib/clock';
import {
  decodeEntry,
  decodePayer,
  decodeTargets,
  isFinal,
  parseEntryId,
  type StoredRun,
} from '#lib/cluster/run-format';
import type { ClusterLink } from '#lib/cluster/shared-types';
import { requestLimits } from '#lib/http/request-limits';
import type { ModelServer } from '#lib/models/model-server';

/** A run whose events this instance has. */
export interface Mirror {
  readonly generation: Generation;
  /** As it was known last: a line may move to another lane. */
  lane: string;
  /** Whether this instance works on it, and its log is written here. */
  isOwned: boolean;
  /** Whether this instance does it by itself while Redis is away, and none of it is written yet. */
  isAlone: boolean;
  /** Whether this instance says that it wants it. */
  isWanted: boolean;
  heardMs: number;
  /** The connection to Redis since which it is known here; see `CommandConnection.epoch`. */
  readonly epoch: number;
  /** The number of the event after which entries were missing. */
  gapAfter?: number;
  /** Since when Redis does not have the run. */
  goneSinceMs?: number | undefined;
}

export interface MirrorParts {
  readonly link: Pick<ClusterLink, 'connection'>;
  readonly clock: Clock;
  readonly context: () => GenerationContext;
  readonly serverOf: (id: string) => ModelServer | undefined;
}

/** A generation for a run of which this instance has none. */
export function mirrorOf(run: string, stored: StoredRun, { link, context, serverOf }: MirrorParts): Generation {
  const toLocal = (ms: number) => link.connection.toLocal(ms);
  const payer = decodePayer(stored.behind);
  const generation = Generation.mirror(
    {
      id: run,
      caller: stored.caller,
      group: stored.group,
      model: stored.model,
      createdAt: toLocal(stored.createdAt),
      key: stored.key === '' ? undefined : stored.key,
      isNew: stored.isNew === '1',
      flightKey: stored.flightKey === '' ? undefined : stored.flightKey,
      prefixKey: stored.prefixKey === '' ? undefined : stored.prefixKey,
      targets: decodeTargets(stored.targets, serverOf),
      priority: stored.priority,
      requestBytes: stored.requestBytes,
      allowance: payer && requestLimits()?.allowanceOf(payer),
      isBehind: payer !== undefined,
      turnsElsewhere: stored.turns,
    },
    context(),
  );
  generation.cached = stored.cached === '1';
  if (stored.firstTokenAt !== undefined) generation.firstTokenAt = toLocal(stored.firstTokenAt);
  if (stored.startedAt !== undefined) generation.startedAt = toLocal(stored.startedAt);
  return generation;
}

/**
 * Another generation for a run that was submitted here, without the events of the first one: the
 * log of another instance fills it.
 */
export function successorOf(generation: Generation, context: GenerationContext): Generation {
  const { id, caller, group, model, createdAt, key, flightKey, isNew, provider, targets, prefixKey } = generation;
  const { priority, allowance, isBehind, requestBytes } = generation;
  const request = generation.packedRequest?.unpack();
  const successor = new Generation(
    {
      ...{ id, caller, group, model, createdAt, key, flightKey, isNew, targets, prefixKey },
      ...{ priority, allowance, isBehind, requestBytes },
      ...(provider === undefined ? {} : { provider }),
      ...(request === undefined ? {} : { request }),
    },
    context,
  );
  successor.pack();
  successor.runsElsewhere = true;
  return successor;
}

/** An entry of a log, as Redis has it. */
export type RawEntry = readonly [id: string, fields: readonly string[]];

/** The entries of the attempt that was begun last: what earlier ones have written is void. */
export function ofLastAttempt(entries: readonly RawEntry[]): readonly RawEntry[] {
  return entries.slice(
    Math.max(
      0,
      entries.findLastIndex(([id]) => parseEntryId(id).number === 0),
    ),
  );
}

/**
 * Appends what an entry of a log has to the generation of its mirror. Without effect, it returns
 * `gap` if entries before it are missing, and `superseded` if the run begins again with another
 * text.
 */
export function applyEntry(
  mirror: Mirror,
  id: string,
  fields: readonly string[],
  { clock, serverOf }: MirrorParts,
): 'applied' | 'gap' | 'superseded' {
  const { generation } = mirror;
  const { log } = generation;
  mirror.heardMs = clock.now();
  const { events, model, server } = decodeEntry(fields);
  if (events === undefined || log.ended) return 'applied';
  const { attempt, number } = parseEntryId(id);
  if (model !== undefined && model !== generation.model) {
    // The key says the model that was asked for. See `Generation.retarget`.
    generation.model = model;
    generation.key = undefined;
  }
  // It was moved on before its first token.
  if (server !== undefined) generation.server = serverOf(server) ?? generation.server;
  const [first] = events;
  const offset = attemptOffset(attempt);
  if (log.lastNumber > 0) {
    // The text of an earlier attempt is void. It is read again after a gap.
    if (offset < generation.eventOffset) return 'applied';
    // An attempt is begun again where Redis has no text of it: what is here was lost there.
    if (offset > generation.eventOffset && !isFinal(first)) return 'superseded';
  }
  if (first?.type === 'started') {
    generation.startElsewhere(generation.startedAt ?? clock.now(), serverOf(first.server));
    generation.model = first.model;
    log.setStatus(PROCESSING);
    return 'applied';
  }
  // What is here already is not appended again.
  const known = log.lastNumber - (number - events.length);
  if (known < 0) return 'gap';
  if (log.lastNumber === 0) generation.eventOffset = offset;
  for (const event of events.slice(known)) {
    if (event.type === 'started') continue;
    if (isFinal(event)) {
      generation.endOffset = offset;
      generation.unpack();
      generation.finish(event);
      return 'applied';
    }
    generation.firstTokenAt ??= clock.now();
    if ('text' in event) generation.tokens += 1;
    log.append(event);
  }
  return 'applied';
}

/** The status of a run that another instance works on. Shared instance. */
export const PROCESSING = {
  type: 'status',
  status: 'processing',
  queue_position: 0,
  queue_length: 0,
  estimated_wait_time: 0,
} as const;
