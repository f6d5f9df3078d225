import { systemClock } from '#lib/chat/clock';
import { PersistentCache } from '#lib/chat/persistence/persistent-cache';
import { SavedRequests } from '#lib/chat/persistence/saved-requests';
import { CACHE_FORMAT } from '#lib/chat/persistence/stored-response';
import { config } from '#lib/config/config';
import { singleton } from '#lib/singletons';
import { store } from '#lib/store/store';
import { log } from '#lib/telemetry/log';
import { MIB, SECOND_MS } from '#lib/units';

/** The second level of the caches of this process. It opens the database with its first value. */
export function persistentCache(): PersistentCache {
  return singleton('chat.persistent-cache', () => {
    const { CACHE_ENABLED, CACHE_PERSIST, CACHE_PERSIST_MAX_MB, CACHE_TTL_SECONDS } = config();
    return new PersistentCache({
      openStore: store,
      maxBytes: CACHE_PERSIST_MAX_MB * MIB,
      ttlMs: CACHE_TTL_SECONDS * SECOND_MS,
      format: CACHE_FORMAT,
      isOn: CACHE_ENABLED && CACHE_PERSIST,
      clock: systemClock,
      log: log(),
    });
  });
}

/** The saved requests of this process. */
export function savedRequests(): SavedRequests {
  return singleton('chat.saved-requests', () => {
    const { QUEUE_MAX_MB, QUEUE_RESULT_TTL_SECONDS } = config();
    return new SavedRequests({
      openStore: store,
      maxBytes: QUEUE_MAX_MB * MIB,
      resultTtlMs: QUEUE_RESULT_TTL_SECONDS * SECOND_MS,
      clock: systemClock,
      log: log(),
    });
  });
}
