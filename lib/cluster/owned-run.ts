import type { Generation } from '#lib/chat/generation/generation';
import type { InFlight } from '#lib/chat/generation/in-flight';
import type { PendingRequest } from '#lib/chat/generation/pending-request';
import type { LogWriter } from '#lib/cluster/log-writer';
import type { RunStore } from '#lib/cluster/runs';
import type { ClusterLink, RunOutcome } from '#lib/cluster/shared-types';

/** A run that this instance works on. */
export interface OwnedRun {
  readonly generation: Generation;
  /** The lane whose line it was in. */
  readonly lane: string;
  readonly attempt: number;
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

/**
 * Writes again what Redis has lost of an owned run: all of it where Redis came back empty, or its
 * last moments after a failover. Returns the number of the last event that Redis has now, from
 * which on the log is to be written; undefined if another instance has begun the run. Rejects if
 * Redis does.
 */
export async function restoreRun(
  { generation, lane, attempt, requests }: Pick<OwnedRun, 'generation' | 'lane' | 'attempt' | 'requests'>,
  store: RunStore,
  { instanceId }: Pick<ClusterLink, 'instanceId'>,
): Promise<number | undefined> {
  const run = generation.id;
  const [stored, first, last] = await Promise.all([store.find(run), store.firstEntry(run), store.lastEntry(run)]);
  if ((stored?.attempt ?? 0) > attempt || (last?.id.attempt ?? 0) > attempt) return undefined;
  if (stored === undefined) await store.createAgain({ generation, lane }, requests());
  if (stored?.attempt !== attempt || stored.owner !== instanceId) await store.noteAttempt(run, attempt);
  // A log begins with the start of an attempt. One that does not has been written since.
  const isWhole = first?.id.number === 0;
  if (isWhole && last?.id.attempt === attempt) return last.id.number;
  const server = generation.server?.id ?? lane;
  await store.appendStarted(run, attempt, { type: 'started', server, model: generation.model }, !isWhole);
  return 0;
}
