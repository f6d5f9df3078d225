import type { EngineParts } from '#lib/chat/engine-parts';
import { batchGroup } from '#lib/chat/model-request';
import { LARGE_REQUEST_BYTES, resolveModel } from '#lib/chat/resolve-model';
import { type RunnableTask, Task, type TaskContext, type TaskWork } from '#lib/chat/scheduler/task';
import { AppError } from '#lib/errors';
import { type Allowance, levelsLost } from '#lib/http/request-limits';
import type { ResolvedModel, RouteTarget } from '#lib/models/model-route';
import type { ModelProvider } from '#lib/models/provider';

/** A request of work for a model server that is no chat generation. */
export interface TaskRequest {
  readonly caller: string;
  /** As in a chat request. @default 0 */
  readonly priority?: number | undefined;
  /** The limits of the caller: above its share it waits behind others. */
  readonly allowance?: Allowance | undefined;
  /** Undefined is the default model. */
  readonly model: string | undefined;
  /**
   * Resolved before, with the model server's own name in `model`. Of several servers of its kind
   * that have the model, each may be chosen.
   */
  readonly provider?: ModelProvider | undefined;
  /** With `provider`: bounds the choice to these servers. */
  readonly targets?: readonly RouteTarget[] | undefined;
  /**
   * Whether the work may be called again, with another provider, after a failure that is no fault
   * of the request. @default false
   */
  readonly isRepeatable?: boolean | undefined;
  /** Whether the same server is asked again after a transient error. @default false */
  readonly isRetried?: boolean | undefined;
  /** Memory of the request while it waits or runs. */
  readonly bytes: number;
  /** The caller's: its abort ends the task, waiting or running. */
  readonly signal: AbortSignal;
  /** Called once it has ended, also if it was refused. Must not throw. */
  readonly onDone?: ((task: RunnableTask) => void) | undefined;
}

/** Runs tasks in the slots of model servers, from the choice of the model to their end. */
export class TaskRunner {
  readonly #parts: EngineParts;
  readonly #context: TaskContext;

  constructor(parts: EngineParts) {
    this.#parts = parts;
    this.#context = {
      clock: parts.clock,
      maxRunMs: parts.settings.UPSTREAM_TOTAL_TIMEOUT_MS,
      onTimeout: ({ server }, error) => {
        if (server !== undefined) parts.directory.servers?.reportFailure(server, error);
      },
      onDone: (task) => this.#handleDone(task),
    };
  }

  /**
   * Runs `work` in a slot of the model's server. It waits in the same line as chat requests, within
   * the same bounds. Resolves with what `work` returns. Throws its error, the resolver's errors,
   * `queue_full`, `shutting_down`, `upstream_timeout` after UPSTREAM_TOTAL_TIMEOUT_MS, or the
   * reason of `signal`. In each case the signal of `work` is aborted, and its slot is freed when
   * `work` settles, or a few seconds after the abort.
   */
  async run<T>(request: TaskRequest, work: TaskWork<T>): Promise<T> {
    const { scheduler, counts, clock } = this.#parts;
    scheduler.throwIfClosed();
    const { caller, priority: wanted = 0, isRepeatable = false, isRetried = false } = request;
    const { bytes, signal, onDone, allowance } = request;
    signal.throwIfAborted();
    const { provider, model, targets } = await this.#resolve(request);
    scheduler.throwIfClosed();
    signal.throwIfAborted();
    const group = batchGroup(provider.id, model, {});
    const lost = levelsLost(allowance);
    const [priority, isBehind] = [wanted - lost, lost > 0];
    const task = new Task(
      {
        ...{ caller, priority, group, model, provider, targets },
        ...{ isRepeatable, isRetried, isBehind, bytes, signal, work, onDone },
      },
      this.#context,
    );
    counts.tasks += 1;
    try {
      const lane = scheduler.ensureCapacity(task);
      scheduler.admit(task, lane, clock.now());
    } catch (error) {
      task.dispose();
      onDone?.(task);
      throw counts.countRefusal(error);
    }
    return await task.result;
  }

  async #resolve({ caller, model, provider, targets, bytes }: TaskRequest): Promise<ResolvedModel> {
    const { directory } = this.#parts;
    if (provider !== undefined && model !== undefined) {
      const only = { provider, model, targets };
      if (targets !== undefined || directory.servers?.areSeveral !== true) return only;
      const resolved = await directory.resolve(model).catch((error: unknown) => {
        if (AppError.is(error)) return only;
        throw error;
      });
      return resolved.provider.id === provider.id ? resolved : only;
    }
    return await resolveModel(this.#parts, model, bytes <= LARGE_REQUEST_BYTES ? undefined : { caller, bytes });
  }

  #handleDone(task: RunnableTask): void {
    this.#parts.counts.countEnd(task.state);
    this.#parts.scheduler.handleDone(task);
    task.onDone?.(task);
  }
}
