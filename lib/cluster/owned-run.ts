import type { Generation } from '#lib/chat/generation/generation';
import type { InFlight } from '#lib/chat/generation/in-flight';
import type { PendingRequest } from '#lib/chat/generation/pending-request';
import type { AloneRun } from '#lib/cluster/alone-runs';
import { isRefusedEntry, type LogWriter } from '#lib/cluster/log-writer';
import { WORKER_LOST } from '#lib/cluster/lost-runs';
import { type EntryEvent, isFinal, type OtherSource } from '#lib/cluster/run-format';
import type { RunStore } from '#lib/cluster/runs';
import type { ClusterLink, RunOutcome } from '#lib/cluster/shared-types';

/** A run that this instance works on. */
export interface OwnedRun {
  readonly generation: Generation;
  /** The lane whose line it was in. */
  readonly lane: string;
  attempt: number;
  readonly writer: LogWriter;
  /** It goes back to the line: this instance stops. */
  isReturned: boolean;
  /** Whether its job was given to another worker, which may begin the run again. */
  isContested: boolean;
  /** Its requests of this instance. */
  readonly requests: () => readonly PendingRequest[];
  /** Resolves when nothing of it is left to be done here. */
  readonly over: Promise<RunOutcome>;
}

/** The requests of a generation on this instance, also once it has ended. */
export function requestsOf(
  generation: Generation,
  inFlight: Pick<InFlight, 'requestsOf'>,
): () => readonly PendingRequest[] {
  const { log } = generation;
  let last: readonly PendingRequest[] | undefined;
  const stop = log.listen(() => {
    if (!log.ended) return;
    stop();
    last = inFlight.requestsOf(generation);
  });
  return () => last ?? inFlight.requestsOf(generation);
}

/** What Redis has of an owned run, by its attempt and the number of the last event. */
export interface RestoredRun {
  readonly attempt: number;
  readonly number: number;
}

/**
 * Writes again what Redis has lost of an owned run: all of it where Redis came back empty, or its
 * last moments after a failover. Returns from where on the log is to be written; undefined if
 * another instance has begun the run later, and `ended` if it has ended it. Rejects if Redis does.
 *
 * Redis may have lost the attempt, too, so that another instance has begun one of the same number
 * since. The run is of a further attempt then, by which the other instance is fenced: entries of
 * two texts under one number would be one text for all readers.
 */
export async function restoreRun(
  owned: Pick<OwnedRun, 'generation' | 'lane' | 'attempt' | 'requests'>,
  store: RunStore,
  link: Pick<ClusterLink, 'instanceId'>,
): Promise<RestoredRun | 'ended' | undefined> {
  const { generation, lane, attempt, requests } = owned;
  const run = generation.id;
  const [stored, first, last] = await Promise.all([store.find(run), store.firstEntry(run), store.lastEntry(run)]);
  const started: EntryEvent = { type: 'started', server: generation.server?.id ?? lane, model: generation.model };
  const isOwner = stored?.owner === link.instanceId;
  const isReused = stored?.attempt === attempt && !isOwner && stored.owner !== '';
  const isEnded = isFinal(last?.events.at(-1));
  if (isReused && isEnded) return 'ended';
  // This was tried before, and Redis has failed on the way. The end of a run has a number, too.
  const isRenumbered = isOwner && stored.attempt > attempt && !isEnded;
  if (isReused || isRenumbered) {
    const next = await store.beginAttempt(run);
    await store.appendStarted(run, next, started);
    return { attempt: next, number: 0 };
  }
  if ((stored?.attempt ?? 0) > attempt || (last?.id.attempt ?? 0) > attempt) return undefined;
  if (stored === undefined) await store.createAgain({ generation, lane }, requests());
  // A log begins with the start of an attempt. One that does not has been written since.
  const isWhole = first?.id.number === 0;
  const isThere = isWhole && last?.id.attempt === attempt;
  try {
    // Before the attempt is noted: of two that begin now, Redis refuses the second.
    if (!isThere) await store.appendStarted(run, attempt, started, first !== undefined && !isWhole);
  } catch (error) {
    if (isRefusedEntry(error)) return await restoreRun(owned, store, link);
    throw error;
  }
  if (stored?.attempt !== attempt || !isOwner) await store.noteAttempt(run, attempt);
  return { attempt, number: isThere ? (last?.id.number ?? 0) : 0 };
}

/**
 * Makes this instance the owner of a run that it has begun by itself. Returns its attempt, and the
 * requests of it that were written; undefined if another instance has text of it or has ended it,
 * or works on it while there is no text here. Rejects if Redis does, and can be called again.
 */
export async function adoptRun(
  { generation, lane, requests }: Pick<AloneRun, 'generation' | 'lane' | 'requests'>,
  store: RunStore,
  { instanceId }: Pick<ClusterLink, 'instanceId'>,
): Promise<{ readonly attempt: number; readonly wanted: readonly PendingRequest[] } | undefined> {
  const { id: run, log } = generation;
  const [stored, last] = await Promise.all([store.find(run), store.lastEntry(run)]);
  if (stored?.finishedAt !== undefined || (last?.id.number ?? 0) > 0) return undefined;
  const isElsewhere = stored !== undefined && stored.attempt > 0 && stored.owner !== instanceId;
  if (isElsewhere && log.lastNumber === 0) return undefined;
  const wanted = [...requests].filter(({ isCopy, cancelledAt }) => !isCopy && cancelledAt === undefined);
  if (stored === undefined) await store.createAgain({ generation, lane }, wanted);
  else {
    // It has no job any more, which another instance would add after a while.
    await store.touch([run]);
    for (const request of wanted) await store.addTicket(run, request);
  }
  // Its numbers are above those that its readers have: see `ALONE_OFFSET`.
  const attempt = await store.beginAttempt(run, (stored?.attempt ?? 0) === 0 ? 2 : 1);
  const server = generation.server?.id ?? lane;
  await store.appendStarted(run, attempt, { type: 'started', server, model: generation.model });
  if (await store.hasTextBefore(run, attempt)) {
    // Another one has written its first text in between, and cannot go on.
    await store.end(run, WORKER_LOST);
    return undefined;
  }
  // What was cancelled in between may have been added again.
  for (const { id, cancelledAt, cancelledBy } of wanted)
    if (cancelledAt !== undefined) await store.cancelTicket(id, run, cancelledBy);
  return { attempt, wanted };
}

/** The model and model server that write a response, where they are not those it was begun with. */
export function otherSource(
  { model, server }: Generation,
  first: { readonly model: string; readonly server: string },
): OtherSource {
  return {
    model: model === first.model ? undefined : model,
    server: server?.id === first.server ? undefined : server?.id,
  };
}
