import type { QueuedWork } from '#lib/chat/scheduler/queued-work';
import type { Scheduler } from '#lib/chat/scheduler/scheduler';
import type { Config } from '#lib/config/config';
import type { ModelServer } from '#lib/models/model-server';
import type { QueueOverview } from '#lib/wire/chat-queue';

/** The queue as a caller sees it: ids are shown if `mayAccess` allows it for their owner. */
export function queueOverview(
  scheduler: Scheduler,
  settings: Pick<Config, 'QUEUE_MAX_SIZE'>,
  now: number,
  mayAccess: (owner: string) => boolean,
): QueueOverview {
  const visibleId = ({ requests }: QueuedWork) => {
    for (const { id, caller } of requests ?? []) if (mayAccess(caller)) return { request_id: id };
    return {};
  };
  const serverOf = (server: ModelServer | undefined) =>
    scheduler.areServersSeveral && server !== undefined ? { model_server: server.name } : {};
  return {
    queue_length: scheduler.queueLength,
    is_processing: scheduler.isRunning,
    processing: [...scheduler.running].map((work) => ({
      ...visibleId(work),
      model: work.model,
      running_ms: Math.round(now - (work.startedAt ?? now)),
      tokens: work.tokens,
      ...serverOf(work.server),
    })),
    pending: scheduler.waiting().map(({ item, since, position, server }) => ({
      ...visibleId(item),
      model: item.model,
      queue_position: position,
      priority: item.priority,
      waiting_ms: Math.round(now - since),
      ...serverOf(server),
    })),
    max_concurrent: scheduler.slots,
    max_queue_size: settings.QUEUE_MAX_SIZE,
    average_processing_time_ms: Math.round(scheduler.averageMs),
    is_average_measured: scheduler.isAverageMeasured,
  };
}
