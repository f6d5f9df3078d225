import { availableParallelism } from 'node:os';
import type { Config } from '#lib/config/config';
import { shutdownDelayMs } from '#lib/config/shutdown-delay';
import { WORKER_ROLE, type WorkerRole } from '#lib/worker-process';

type WorkerSettings = Pick<
  Config,
  'WORKERS' | 'CODE_MAX_CONCURRENT' | 'CODE_WARM_MEMORY_MB' | 'SHUTDOWN_DELAY_MS' | 'REDIS_URL'
>;

/** What differs in the environment of a worker from that of its supervisor. */
export function workerEnvironment(
  settings: WorkerSettings,
  role: WorkerRole,
  redisUrl: string | undefined,
  cores = availableParallelism(),
): Record<string, string> {
  const { WORKERS: count } = settings;
  const share = (total: number) => Math.floor(total / count) + (role.number <= total % count ? 1 : 0);
  return {
    // All agree on it, whatever `auto` is for each.
    WORKERS: String(count),
    [WORKER_ROLE]: JSON.stringify(role),
    // Both are bounds of the machine. A worker without a slot could not run programs at all.
    CODE_MAX_CONCURRENT: String(Math.max(1, share(settings.CODE_MAX_CONCURRENT || cores))),
    CODE_WARM_MEMORY_MB: String(share(settings.CODE_WARM_MEMORY_MB)),
    // A Redis of their own is no sign of a load balancer in front.
    SHUTDOWN_DELAY_MS: String(shutdownDelayMs(settings)),
    ...(redisUrl !== undefined && { REDIS_URL: redisUrl }),
  };
}
