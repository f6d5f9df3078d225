import { LRUCache } from 'lru-cache';
import type { Clock } from '#lib/chat/clock';
import type { CompletedResponse, ConversationState } from '#lib/chat/formats/native-events';
import { GenerationLog } from '#lib/chat/generation/generation-log';
import { PackedRequest } from '#lib/chat/generation/packed-request';
import { AppError } from '#lib/errors';
import type { ModelProvider, ModelRequest } from '#lib/models/provider';
import type { CacheHeader, Timings } from '#lib/wire/chat';

/** Results are kept for their TTL as long as all of them together stay below this. */
const MAX_RESULT_BYTES = 64 * 1024 * 1024;
/** What a finished request costs beside its log, as measured on V8. */
export const RESULT_BYTES = 1_250;
/**
 * What a request costs while it waits, without its packed bytes: run, ticket, log and place in
 * line, rounded up.
 */
const WAITING_BYTES = 2_560;

/** Requests under way, those that joined another's run included: about 60 MB of heap. */
const MAX_PENDING_REQUESTS = 50_000;

export type GenerationState = 'queued' | 'running' | 'completed' | 'failed' | 'cancelled';

/** One call of a model, for any number of requests. `id`, `caller`, `priority` and `group` are how it stands in the queue. */
export class Generation {
  readonly id: string;
  readonly caller: string;
  readonly group: string;
  readonly model: string;
  readonly createdAt: number;
  /** Undefined where the answer is neither to be kept nor to be shared. */
  readonly key: string | undefined;
  readonly provider: ModelProvider;
  /** An answer out of the cache: no model was called. */
  readonly cached: boolean;
  readonly log = new GenerationLog();
  /** The requests that still want this answer; undefined when it has ended. */
  requests: Set<PendingRequest> | undefined;
  priority: number;
  /** What its request holds as objects. */
  readonly requestBytes: number;
  /** Undefined while the run waits, and when it has ended: it may hold megabytes of images. */
  request: ModelRequest | undefined;
  /** What it holds in memory while it waits. */
  bytes = 0;
  /** How much of its log is counted as a running response. */
  accountedBytes = 0;
  #packed: PackedRequest<ModelRequest> | undefined;
  state: GenerationState = 'queued';
  startedAt: number | undefined;
  firstTokenAt: number | undefined;
  finishedAt: number | undefined;
  response: CompletedResponse | undefined;
  /** How many readers and detached requests keep it going. */
  refCount = 0;
  /** Ends the wait for a reader to come back. */
  cancelGraceTimer: (() => void) | undefined;
  /** Ends the wait for an aborted provider to let go. */
  cancelAbortTimer: (() => void) | undefined;
  #abort: AbortController | undefined;

  constructor(
    start: Pick<Generation, 'id' | 'caller' | 'group' | 'model' | 'createdAt' | 'key' | 'provider' | 'priority'> & {
      request?: ModelRequest;
      requestBytes?: number;
      cached?: boolean;
    },
  ) {
    this.id = start.id;
    this.caller = start.caller;
    this.group = start.group;
    this.model = start.model;
    this.createdAt = start.createdAt;
    this.key = start.key;
    this.provider = start.provider;
    this.priority = start.priority;
    this.request = start.request;
    this.requestBytes = start.requestBytes ?? 0;
    this.cached = start.cached ?? false;
  }

  /** Keeps the request as bytes outside the heap, for as long as the run waits. */
  pack(): void {
    if (this.request === undefined) return;
    this.#packed = new PackedRequest(this.request);
    this.request = undefined;
    this.bytes = this.#packed.bytes + WAITING_BYTES;
  }

  /** Makes the request an object again: the run starts. */
  unpack(): void {
    if (this.#packed === undefined) return;
    this.request = this.#packed.unpack();
    this.#packed = undefined;
  }

  /** The run has ended, and needs its request no more. */
  dropRequest(): void {
    this.request = undefined;
    this.#packed = undefined;
  }

  /** Whether a caller other than its own still wants this answer. */
  get isShared(): boolean {
    for (const ticket of this.requests ?? []) if (ticket.caller !== this.caller) return true;
    return false;
  }

  /** Ends the call of the model. Made when it is first asked for: a run that never starts has none. */
  get abort(): AbortController {
    this.#abort ??= new AbortController();
    return this.#abort;
  }

  /** The call is over; what is kept of it needs nothing to end it with. */
  dispose(): void {
    this.#abort = undefined;
    this.cancelAbortTimer?.();
    this.cancelAbortTimer = undefined;
  }
}

/** One request for an answer. Several may share a run; each can be cancelled without harm to the others. */
export class PendingRequest {
  readonly id: string;
  readonly caller: string;
  readonly createdAt: number;
  readonly generation: Generation;
  /** It came in through the queue, and goes on without any reader. */
  readonly detached: boolean;
  readonly conversation: ConversationState;
  /** Undefined while there are none, which is most of a request's life: tens of thousands may be kept. */
  readers: Set<() => void> | undefined;
  /** When it alone was cancelled, while its run went on for others. */
  cancelledAt: number | undefined;
  /** The result was evicted for newer ones while it was still being read: its readers are cut. */
  isDropped = false;
  /** The part of its run's log that its result is charged for. */
  logShareBytes = 0;

  constructor(start: Pick<PendingRequest, 'id' | 'caller' | 'createdAt' | 'generation' | 'detached' | 'conversation'>) {
    this.id = start.id;
    this.caller = start.caller;
    this.createdAt = start.createdAt;
    this.generation = start.generation;
    this.detached = start.detached;
    this.conversation = start.conversation;
  }

  get state(): GenerationState {
    return this.cancelledAt === undefined ? this.generation.state : 'cancelled';
  }

  get finishedAt(): number | undefined {
    return this.cancelledAt ?? this.generation.finishedAt;
  }

  /** The fault with which it ended. */
  get error(): AppError | undefined {
    if (this.cancelledAt !== undefined) return new AppError('cancelled', 'The request was cancelled.');
    const { log } = this.generation;
    const last = log.ended ? log.eventAt(log.lastNumber) : undefined;
    return last?.type === 'error' ? last.fault : undefined;
  }

  /** Milliseconds since this request came in; nothing is negative for one that joined late. */
  timings(): Timings {
    const { startedAt, firstTokenAt, finishedAt } = this.generation;
    const since = (moment: number) => Math.max(0, Math.round((moment - this.createdAt) * 10) / 10);
    return {
      queued_ms: startedAt === undefined ? 0 : since(startedAt),
      first_token_ms: firstTokenAt === undefined ? null : since(firstTokenAt),
      total_ms: since(finishedAt ?? this.createdAt),
    };
  }
}

/**
 * A request that was taken in, and how it was answered: out of the cache, by its own run, or by
 * another's.
 */
export interface SubmittedTicket {
  kind: 'ticket';
  request: PendingRequest;
  cache: CacheHeader;
  /** Fields of the request that have no effect on its provider, by their wire names. */
  ignored: readonly string[];
}

/** What the pipeline wants to be told of readers. */
export interface ReaderWatch {
  /** A run has a reader again. */
  onRead(run: Generation): void;
  /** The last reader has left; only called while the run is under way. */
  onUnread(run: Generation): void;
  /** Nobody came back for a run within the grace. */
  onAbandoned(run: Generation): void;
}

/**
 * Every request that is under way or whose result is still kept, and the single flight: at most one run for a key that
 * others can join, while it waits or runs.
 */
export class InFlight {
  readonly #clock: Clock;
  readonly #graceMs: number;
  readonly #watch: ReaderWatch;
  readonly #shared = new Map<string, Generation>();
  readonly #tickets = new Map<string, PendingRequest>();
  readonly #results: LRUCache<string, PendingRequest>;
  readonly #resultTtlMs: number;
  #purging = false;

  constructor(limits: { graceMs: number; resultTtlMs: number }, clock: Clock, watch: ReaderWatch) {
    this.#clock = clock;
    this.#graceMs = limits.graceMs;
    this.#resultTtlMs = limits.resultTtlMs;
    this.#watch = watch;
    this.#results = new LRUCache({
      maxSize: MAX_RESULT_BYTES,
      sizeCalculation: ({ logShareBytes }) => Math.min(MAX_RESULT_BYTES, RESULT_BYTES + logShareBytes),
      ttl: limits.resultTtlMs,
      ttlResolution: 0,
      perf: clock,
      disposeAfter: (ticket, id, reason) => {
        if (ticket.readers === undefined) return;
        // A slow reader keeps its answer in memory: it stays counted, as the only one, until it is
        // read.
        if (reason === 'expire') {
          ticket.logShareBytes = logShare(ticket.generation, 1);
          this.#results.set(id, ticket);
        } else if (reason === 'evict') {
          ticket.isDropped = true;
          for (const onChange of [...ticket.readers]) onChange();
        }
      },
    });
  }

  /**
   * Whether no more requests can be under way. Most of so many have joined another's run, and so
   * hold no place in line.
   */
  get isFull(): boolean {
    return this.#tickets.size >= MAX_PENDING_REQUESTS;
  }

  findLeader(key: string): Generation | undefined {
    return this.#shared.get(key);
  }

  /** Lets later requests join `run`, unless there is already one to join. */
  registerLeader(run: Generation): void {
    if (run.key !== undefined && !this.#shared.has(run.key)) this.#shared.set(run.key, run);
  }

  /** The request with this id, under way or finished within the TTL. */
  find(id: string): PendingRequest | undefined {
    return this.#tickets.get(id) ?? this.#results.get(id);
  }

  /** Puts a request on a run. A run that has ended is a result at once. */
  add(ticket: PendingRequest): void {
    const { generation: run } = ticket;
    if (run.finishedAt !== undefined) {
      ticket.logShareBytes = logShare(run, 1);
      this.#keep(ticket);
      return;
    }
    this.#tickets.set(ticket.id, ticket);
    run.requests ??= new Set();
    run.requests.add(ticket);
    if (ticket.detached) run.refCount += 1;
    this.#updateGrace(run);
  }

  /**
   * Registers a reader: `onChange` is called when there is something new in the log, and when the request is cancelled.
   * Returns what unregisters it, to be called when it is done or gone.
   */
  read(ticket: PendingRequest, onChange: () => void): () => void {
    const { generation: run } = ticket;
    const stopListening = run.log.listen(onChange);
    ticket.readers ??= new Set();
    ticket.readers.add(onChange);
    if (isLive(ticket)) {
      run.refCount += 1;
      this.#updateGrace(run);
      this.#watch.onRead(run);
    }
    return () => {
      if (ticket.readers?.delete(onChange) !== true) return;
      if (ticket.readers.size === 0) ticket.readers = undefined;
      stopListening();
      if (!isLive(ticket)) return;
      run.refCount -= 1;
      this.#updateGrace(run);
      this.#watch.onUnread(run);
    };
  }

  /** Takes one request off its run. True where nobody is left on the run. */
  cancel(ticket: PendingRequest): boolean {
    const { generation: run } = ticket;
    ticket.cancelledAt = this.#clock.now();
    run.refCount -= (ticket.readers?.size ?? 0) + (ticket.detached ? 1 : 0);
    run.requests?.delete(ticket);
    const isLast = run.requests === undefined || run.requests.size === 0;
    // While its run goes on for others, the log is theirs.
    ticket.logShareBytes = isLast ? logShare(run, 1) : 0;
    this.#keep(ticket);
    for (const onChange of ticket.readers ?? []) onChange();
    if (!isLast) this.#updateGrace(run);
    return isLast;
  }

  /** The run has ended: what its requests got is kept, and nobody joins it any more. */
  settle(run: Generation): void {
    run.cancelGraceTimer?.();
    run.cancelGraceTimer = undefined;
    run.dropRequest();
    if (run.key !== undefined && this.#shared.get(run.key) === run) this.#shared.delete(run.key);
    const { requests: tickets } = run;
    run.requests = undefined;
    for (const ticket of tickets ?? []) {
      ticket.logShareBytes = logShare(run, tickets?.size ?? 1);
      this.#keep(ticket);
    }
  }

  #keep(ticket: PendingRequest): void {
    this.#tickets.delete(ticket.id);
    this.#results.set(ticket.id, ticket);
    this.#purgeLater();
  }

  /** What is too old is let go also where nobody asks for anything any more. */
  #purgeLater(): void {
    if (this.#purging) return;
    this.#purging = true;
    this.#clock.after(this.#resultTtlMs + 1, () => {
      this.#purging = false;
      this.#results.purgeStale();
      if (this.#results.size > 0) this.#purgeLater();
    });
  }

  #updateGrace(run: Generation): void {
    if (run.refCount > 0) {
      run.cancelGraceTimer?.();
      run.cancelGraceTimer = undefined;
    } else
      run.cancelGraceTimer ??= this.#clock.after(this.#graceMs, () => {
        run.cancelGraceTimer = undefined;
        if (run.finishedAt === undefined) this.#watch.onAbandoned(run);
      });
  }
}

/**
 * The part of a run's log, its events and its joined text, that each of its `count` results is
 * charged for: they hold it once. Results of one run never evict each other, so no reader that
 * keeps up is cut when its run ends.
 */
function logShare({ log, response: answer }: Generation, count: number): number {
  const bytes = log.bytes + (answer === undefined ? 0 : log.textBytes);
  return Math.floor(Math.min(bytes, MAX_RESULT_BYTES - count * RESULT_BYTES) / count);
}

function isLive(ticket: PendingRequest): boolean {
  return ticket.cancelledAt === undefined && ticket.generation.finishedAt === undefined;
}
