import { Generation } from '#lib/chat/generation/generation';
import type { Lane } from '#lib/chat/scheduler/lane';
import type { QueuedWork } from '#lib/chat/scheduler/queued-work';
import type { SchedulerParts } from '#lib/chat/scheduler/scheduler-parts';

/**
 * Takes the figures of completed work: its run time, the rates of its lane, and which server has
 * its model loaded and its conversation in memory.
 */
export function measureCompleted<T extends QueuedWork>(
  work: T,
  lane: Lane<T>,
  { settings, servers, lanes }: SchedulerParts<T>,
): void {
  const { server } = lane;
  const { startedAt = 0, finishedAt = startedAt } = work;
  const isGeneration = work instanceof Generation;
  for (const times of [lane.times, lanes.times]) times.add(work.timingKey, finishedAt - startedAt, isGeneration);
  servers?.reportReached(server);
  if (!isGeneration || work.response === undefined) return;
  const { response, request, firstTokenAt = finishedAt, model } = work;
  lane.measure({ ...response, model, writingMs: finishedAt - firstTokenAt });
  if (servers?.areSeveral !== true) return;
  if (request !== undefined && settings.MODEL_AFFINITY) lanes.affinity.record(server.kind, request, response, server);
  if (server.isLoaded(model)) return;
  server.setLoaded(model);
  void servers.refresh(server);
}
