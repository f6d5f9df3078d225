import { isLoopback } from '#lib/config/loopback';

/** A host and port of Redis, or of one of its sentinels. */
export interface RedisHost {
  readonly host: string;
  readonly port: number;
}

/** Where a Redis is, and how to sign in to it. */
export interface RedisAddress {
  /** The servers; with `master` its sentinels. Empty for a Unix socket. */
  readonly hosts: readonly RedisHost[];
  /** A Unix socket. */
  readonly path: string | undefined;
  /** The name by which the sentinels know the server. */
  readonly master: string | undefined;
  readonly hasTls: boolean;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly database: number;
}

/** The forms that a setting may have, for its error message. */
export const REDIS_URL_FORMS =
  'must be redis://user:password@host:6379/0, rediss:// for TLS, redis+sentinel://user:password@host:26379,host:26379/master/0, or unix:///path/to/socket';

/** `scheme://credentials@hosts/path`: several hosts are no valid URL, so it is taken apart here. */
const FORM = /^(redis|rediss|redis\+sentinel|rediss\+sentinel):\/\/(?:([^@/]*)@)?([^/?#]+)(\/[^?#]*)?$/;
const REDIS_PORT = 6379;
const SENTINEL_PORT = 26_379;
const MAX_DATABASE = 65_535;

/** Undefined for a text in none of `REDIS_URL_FORMS`. */
export function parseRedisUrl(text: string): RedisAddress | undefined {
  const socket = /^unix:(?:\/\/)?(\/[^/?#][^?#]*)$/.exec(text)?.[1];
  if (socket !== undefined)
    return { hosts: [], path: socket, master: undefined, hasTls: false, ...NO_CREDENTIALS, database: 0 };
  const [, scheme = '', credentials = '', hostList = '', path = ''] = FORM.exec(text) ?? [];
  const isSentinel = scheme.endsWith('+sentinel');
  const hosts = hostList.split(',').map((host) => parseHost(host, isSentinel ? SENTINEL_PORT : REDIS_PORT));
  if (scheme === '' || !hosts.every((host) => host !== undefined) || (!isSentinel && hosts.length > 1))
    return undefined;
  const segments = path.split('/').slice(1);
  const master = isSentinel ? segments.shift() : undefined;
  const database = Number(segments.shift() || '0');
  const isDatabase = Number.isInteger(database) && database >= 0 && database <= MAX_DATABASE;
  if (segments.length > 0 || !isDatabase || (isSentinel && !master)) return undefined;
  const signIn = parseCredentials(credentials);
  if (signIn === undefined) return undefined;
  return { hosts, path: undefined, master, hasTls: scheme.startsWith('rediss'), ...signIn, database };
}

/** Where it is, without credentials, for messages of the operator. */
export function describeRedis({ hosts, path, master }: RedisAddress): string {
  if (path !== undefined) return path;
  const all = hosts.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`).join(', ');
  return master === undefined ? all : `${master} of ${all}`;
}

/**
 * Whether any machine of the network could read and change what this server shares: the address is
 * another machine's, without a password and without TLS.
 */
export function isOpenRedis({ hosts, hasTls, password }: RedisAddress): boolean {
  return !hasTls && password === undefined && hosts.some(({ host }) => !isLoopback(host));
}

const NO_CREDENTIALS = { username: undefined, password: undefined };

function parseHost(text: string, defaultPort: number): RedisHost | undefined {
  const [, bracketed, bare, port = String(defaultPort)] =
    /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = bracketed ?? bare;
  const number = Number(port);
  return host === undefined || number < 1 || number > 65_535 ? undefined : { host, port: number };
}

/** A user without a password is none: Redis has no such thing. */
function parseCredentials(text: string): Pick<RedisAddress, 'username' | 'password'> | undefined {
  const separator = text.indexOf(':');
  const username = separator === -1 ? '' : text.slice(0, separator);
  const password = separator === -1 ? text : text.slice(separator + 1);
  try {
    return {
      username: username === '' ? undefined : decodeURIComponent(username),
      password: password === '' ? undefined : decodeURIComponent(password),
    };
  } catch {
    return undefined;
  }
}
