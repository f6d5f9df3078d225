import { readFileSync } from 'node:fs';
import { lifeOrderSchema } from '#lib/server/workers/messages';
import { type WorkerProcess, workerProcess } from '#lib/worker-process';

/** Calls `stop` for each SIGTERM and SIGINT, or once when the supervisor of this worker says so. */
export function stopOnRequest(stop: (signal: string) => Promise<void>): void {
  const self = workerProcess();
  if (self !== undefined) obeySupervisor(self, stop);
  else for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop(signal));
}

/**
 * A terminal sends its signals to all processes, and so may what stops a service: such a signal is
 * no second one that ends the server at once. The supervisor gets it, too.
 */
function obeySupervisor(self: WorkerProcess, stop: (signal: string) => Promise<void>): void {
  let isStopping = false;
  const stopOnce = (signal: string) => {
    if (isStopping) return;
    isStopping = true;
    void stop(signal);
  };
  process.on('SIGINT', () => {});
  // Of an operator, for this worker alone: another one takes its place.
  process.on('SIGTERM', stopOnce);
  self.listen('life', (body) => {
    if (lifeOrderSchema.parse(body) === 'stop') stopOnce('SIGTERM');
    else process.exit(1);
  });
  // The listener of node:cluster ends this process when its supervisor has ended.
  process.prependOnceListener('disconnect', () => endRedis(self.redisPidFile));
}

/** Ends the Redis of a supervisor that was killed: no other process does. */
function endRedis(pidFile: string | undefined): void {
  if (pidFile === undefined) return;
  try {
    process.kill(Number(readFileSync(pidFile, 'utf8')), 'SIGTERM');
  } catch {
    // It has ended, or another worker has ended it.
  }
}
