import type { Lane } from '#lib/chat/scheduler/lane';
import type { QueuedWork } from '#lib/chat/scheduler/queued-work';
import type { SchedulerParts } from '#lib/chat/scheduler/scheduler-parts';
import type { AppError } from '#lib/errors';
import type { RouteTarget } from '#lib/models/model-route';
import { isRetryable, mayAnotherServerSucceed } from '#lib/models/retry-rules';

/**
 * Decides about work whose server fails: how often the same server is asked, and which server is
 * asked next. Moves nothing: the scheduler owns the work.
 */
export class Failover<T extends QueuedWork> {
  readonly #parts: SchedulerParts<T>;
  /** Of running work that another server could take over. */
  readonly #attempts = new WeakMap<QueuedWork, AbortController>();

  constructor(parts: SchedulerParts<T>) {
    this.#parts = parts;
  }

  /** Aborts when the server is lost. Undefined if no other server could take over. */
  attemptOf(work: T): AbortSignal | undefined {
    if (work.targets === undefined) return undefined;
    const attempt = new AbortController();
    this.#attempts.set(work, attempt);
    return attempt.signal;
  }

  /** Undefined is UPSTREAM_RETRIES. One failure is enough while another server can do it. */
  retriesOf(work: T): number | undefined {
    const { tried } = work;
    if (tried === undefined) return undefined;
    const { lanes, clock, settings } = this.#parts;
    if (lanes.hasOther(work, clock.now())) return 0;
    return Math.max(0, settings.UPSTREAM_RETRIES - (tried.size - 1));
  }

  /**
   * The lane for work that failed on `lane`, which is avoided from now on. Undefined if no server
   * is left, or if the caller has a part of the response.
   */
  next(work: T, lane: Lane<T>, error: unknown): { lane: Lane<T>; target: RouteTarget } | undefined {
    const { clock, lanes, servers } = this.#parts;
    const now = clock.now();
    servers?.reportFailure(lane.server, error);
    if (!work.isRepeatable || !mayAnotherServerSucceed(error)) return undefined;
    lane.avoid(work.model, now);
    return lanes.next(work, now);
  }

  /**
   * Whether work failed without a retry because another server was there, which went down in the
   * meantime: its server is asked as if it were the only one.
   */
  isGivenUpEarly(work: T, retries: number | undefined, error: unknown): boolean {
    if (retries !== 0 || this.#parts.settings.UPSTREAM_RETRIES === 0) return false;
    return work.isRepeatable && isRetryable(error) && work.finishedAt === undefined;
  }

  /** Fails a call without a token on a server that is down, if another one can do it. */
  giveUpOn(work: T, { server }: Lane<T>, now: number): void {
    if (work.isRepeatable && this.#parts.lanes.hasOther(work, now)) this.#attempts.get(work)?.abort(server.error);
  }

  /** The error of a server that is away says which one, if there are several. */
  namingServer(error: AppError, { server }: Lane<T>): AppError {
    if (this.#parts.servers?.areSeveral !== true || error.code !== 'provider_unavailable') return error;
    return error.withData({ model_server: server.name });
  }
}
