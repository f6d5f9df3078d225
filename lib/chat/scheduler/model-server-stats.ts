import type { Lane } from '#lib/chat/scheduler/lane';
import type { QueueItem } from '#lib/chat/scheduler/waiting-queue';
import type { ModelServer } from '#lib/models/model-server';
import type { ModelServerStats } from '#lib/wire/server-stats';

/** A model server as the statistics show it. `lane` is undefined if nothing was asked of it. */
export function modelServerStats<T extends QueueItem>(
  server: ModelServer,
  lane: Lane<T> | undefined,
): ModelServerStats {
  const { id, name, kind, address, isUp, error, slots, loaded, models } = server;
  const rate = lane?.tokensPerSecond;
  return {
    id,
    name,
    provider: kind,
    address,
    state: isUp ? 'up' : 'down',
    error: isUp ? null : (error?.message ?? null),
    slots,
    running: lane?.running.size ?? 0,
    // A line that all instances share is not the local one.
    waiting: lane === undefined ? 0 : lane.line.size + lane.shared.waiting,
    loaded,
    models: models?.length ?? null,
    average_ms: lane?.times.isMeasured === true ? Math.round(lane.times.averageMs) : null,
    tokens_per_second: rate === undefined ? null : Math.round(rate * 10) / 10,
  };
}
