/** What a Redis must be for this app, by its reply to INFO. */

const MIN_REDIS: readonly [number, number] = [7, 0];
const MIN_VALKEY: readonly [number, number] = [7, 2];

/** Why the configured Redis must not be used, as sentences for the operator. */
export class UnsuitableRedis extends Error {
  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.name = 'UnsuitableRedis';
  }
}

export interface RedisFindings {
  /** Why it must not be used, as sentences for the operator. */
  readonly problems: readonly string[];
  /** What is at risk with it. */
  readonly warnings: readonly string[];
}

/** The fields of a reply to INFO. */
export function parseInfo(text: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const colon = line.indexOf(':');
    if (colon > 0 && !line.startsWith('#')) fields.set(line.slice(0, colon), line.slice(colon + 1));
  }
  return fields;
}

/**
 * Checks a Redis at `place`, the address without credentials. That of `CACHE_REDIS_URL` has
 * nothing but cached responses, so it may evict and forget them.
 */
export function checkRedis(
  info: ReadonlyMap<string, string>,
  place: string,
  setting: 'REDIS_URL' | 'CACHE_REDIS_URL',
): RedisFindings {
  const problems: string[] = [];
  const warnings: string[] = [];
  const valkey = info.get('valkey_version');
  const [name, version, least] =
    valkey === undefined ? ['Redis', info.get('redis_version'), MIN_REDIS] : ['Valkey', valkey, MIN_VALKEY];
  if (version !== undefined && isOlder(version, least))
    problems.push(`${setting} is ${name} ${version} at ${place}; it must be Redis 7.0 or Valkey 7.2 or newer.`);
  if (setting === 'CACHE_REDIS_URL') return { problems, warnings };
  const policy = info.get('maxmemory_policy');
  if (policy !== undefined && policy !== 'noeviction')
    problems.push(
      `The Redis at ${place} has maxmemory-policy ${policy}, so it would delete what the servers share. Set it to noeviction (CONFIG SET maxmemory-policy noeviction, and in redis.conf), and give cached responses a Redis of their own with CACHE_REDIS_URL.`,
    );
  if (info.get('aof_enabled') === '0')
    warnings.push(
      `The Redis at ${place} keeps no append-only file: when it is restarted, counts of limits, idempotency keys and conversations are lost. Set appendonly yes.`,
    );
  return { problems, warnings };
}

function isOlder(version: string, [major, minor]: readonly [number, number]): boolean {
  const [ownMajor = 0, ownMinor = 0] = version.split('.').map(Number);
  return ownMajor < major || (ownMajor === major && ownMinor < minor);
}
