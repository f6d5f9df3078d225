import type { Store } from '#lib/store/types';
import { type Logger, log } from '#lib/telemetry/log';

/**
 * With Redis, accepted requests are there. Warns of those that an earlier start without it has left
 * in the database, where they wait for another start without it.
 */
export async function warnOfLeftRequests(
  store: Pick<Store, 'db'>,
  logger: Pick<Logger, 'warn'> = log(),
): Promise<void> {
  const { waiting } = await store.db
    .selectFrom('chat_requests')
    .where('finished_at', 'is', null)
    .select(({ fn }) => fn.countAll<number | string>().as('waiting'))
    .executeTakeFirstOrThrow();
  if (Number(waiting) === 0) return;
  logger.warn(
    { waiting: Number(waiting) },
    'requests that were accepted before REDIS_URL or WORKERS was set do not run: start the server without it once, and let them end',
  );
}
