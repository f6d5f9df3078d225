import type { QueuedWork } from '#lib/chat/scheduler/queued-work';
import type { Scheduler } from '#lib/chat/scheduler/scheduler';
import type { Config } from '#lib/config/config';
import type { QueueOverview } from '#lib/wire/chat-queue';

/** The queue as a caller sees it: ids are shown if `mayAccess` allows it for their owner. */
export function queueOverview(
  scheduler: Scheduler,
  settings: Pick<Config, 'QUEUE_MAX_CONCURRENT' | 'QUEUE_MAX_SIZE'>,
  now: number,
  mayAccess: (owner: string) => boolean,
): QueueOverview {
  const visibleId = ({ requests }: QueuedWork) => {
    for (const { id, caller } of requests ?? []) if (mayAccess(caller)) return { request_id: id };
    return {};
  };
  return {
    queue_length: scheduler.queueLength,
    is_processing: scheduler.isRunning,
    processing: [...scheduler.running].map((work) => ({
      ...visibleId(work),
      model: work.model,
      running_ms: Math.round(now - (work.startedAt ?? now)),
      tokens: work.tokens,
    })),
    pending: [...scheduler.waiting()].map(({ item, since }, index) => ({
      ...visibleId(item),
      model: item.model,
      queue_position: index + 1,
      priority: item.priority,
      waiting_ms: Math.round(now - since),
    })),
    max_concurrent: settings.QUEUE_MAX_CONCURRENT,
    max_queue_size: settings.QUEUE_MAX_SIZE,
    average_processing_time_ms: Math.round(scheduler.averageMs),
    is_average_measured: scheduler.isAverageMeasured,
  };
}
