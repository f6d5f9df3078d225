import { z } from 'zod';
import { parseRedisUrl, REDIS_URL_FORMS } from '#lib/config/redis-url';
import { setting } from '#lib/config/settings/setting';
import { flag, optionalText } from '#lib/config/settings/value-schemas';
import { workerCount } from '#lib/config/settings/worker-count';

const redisUrl = () =>
  optionalText().refine((url) => url === undefined || parseRedisUrl(url) !== undefined, REDIS_URL_FORMS);

export const CLUSTER_SETTINGS = {
  WORKERS: setting(
    workerCount(),
    '1',
    'Servers that share the port on this machine: a number, or auto for one a core. More than one share state over REDIS_URL; without it they start a redis-server of their own in DATA_DIR, which must be installed. CODE_MAX_CONCURRENT and CODE_WARM_MEMORY_MB are divided among them. An executor is always one.',
  ),
  REDIS_URL: setting(
    redisUrl(),
    undefined,
    'Redis 7 or Valkey 7.2 that several servers of one installation share: redis://user:password@host:6379/0, rediss:// for TLS, redis+sentinel://user:password@host:26379,host:26379/master/0, or unix:///path/to/socket. Their chats wait in one line then: see docs/operations.md. Default: none.',
  ),
  REDIS_PREFIX: setting(
    z.string().regex(/^[A-Za-z0-9_-]{1,40}$/, 'must be 1 to 40 letters, digits, _ or -'),
    'chill',
    'Begins every key, in braces. Installations that share one Redis need one each.',
  ),
  CACHE_REDIS_URL: setting(
    redisUrl(),
    undefined,
    'Another Redis for the shared answers, which may evict them (allkeys-lru). Default: that of REDIS_URL.',
  ),
  REDIS_CA_FILE: setting(
    optionalText(),
    undefined,
    'File with the certificates of the authority that rediss:// servers are checked by. Default: those of Node.',
  ),
  REDIS_REQUIRED: setting(
    flag(),
    'false',
    'Whether /api/ready responds with 503 while Redis is away. Requests are served by each server alone in any case.',
  ),
};
