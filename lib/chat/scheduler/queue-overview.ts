import type { RequestOwner } from '#lib/chat/request-access';
import type { QueuedWork } from '#lib/chat/scheduler/queued-work';
import type { QueueFigures } from '#lib/chat/seams';
import type { Config } from '#lib/config/config';
import { ownerOf } from '#lib/http/principal';
import type { ModelServer } from '#lib/models/model-server';
import type { QueueOverview } from '#lib/wire/chat-queue';

interface QueueReader {
  /** Whether the reader may cancel a request of this owner, and sees its id. */
  mayControl(owner: RequestOwner): boolean;
  /** Whether the reader sees who waits. */
  readonly seesCallers: boolean;
}

/** What is shown of work. */
export type ListedWork = Pick<QueuedWork, 'id' | 'model' | 'priority' | 'startedAt' | 'tokens' | 'server'> & {
  readonly requests: Iterable<RequestOwner & { readonly id: string }> | undefined;
};

/** What is shown of a queue. */
export interface OverviewFigures
  extends Pick<
    QueueFigures,
    'queueLength' | 'isRunning' | 'slots' | 'averageMs' | 'isAverageMeasured' | 'areServersSeveral'
  > {
  readonly running: Iterable<ListedWork>;
  waiting(): {
    readonly item: Pick<ListedWork, 'model' | 'priority' | 'requests'>;
    readonly since: number;
    readonly position: number;
    readonly server: ModelServer | undefined;
  }[];
}

/** The queue as a reader sees it. */
export function queueOverview(
  view: OverviewFigures,
  settings: Pick<Config, 'QUEUE_MAX_SIZE'>,
  now: number,
  { mayControl, seesCallers }: QueueReader,
): QueueOverview {
  const visibleId = ({ requests }: Pick<ListedWork, 'requests'>) => {
    for (const request of requests ?? []) {
      if (!mayControl(request)) continue;
      return { request_id: request.id, ...(seesCallers ? { caller: nameOf(request) } : {}) };
    }
    return {};
  };
  const serverOf = (server: ModelServer | undefined) =>
    view.areServersSeveral && server !== undefined ? { model_server: server.name } : {};
  return {
    queue_length: view.queueLength,
    is_processing: view.isRunning,
    processing: [...view.running].map((work) => ({
      ...visibleId(work),
      model: work.model,
      running_ms: Math.round(now - (work.startedAt ?? now)),
      tokens: work.tokens,
      ...serverOf(work.server),
    })),
    pending: view.waiting().map(({ item, since, position, server }) => ({
      ...visibleId(item),
      model: item.model,
      queue_position: position,
      priority: item.priority,
      waiting_ms: Math.round(now - since),
      ...serverOf(server),
    })),
    max_concurrent: view.slots,
    max_queue_size: settings.QUEUE_MAX_SIZE,
    average_processing_time_ms: Math.round(view.averageMs),
    is_average_measured: view.isAverageMeasured,
  };
}

/** A person's name, with the end user of a key behind it. */
function nameOf({ caller, principal }: RequestOwner): string {
  const owner = ownerOf(caller);
  return principal?.name === undefined ? caller : principal.name + caller.slice(owner.length);
}
