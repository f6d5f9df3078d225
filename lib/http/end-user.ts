import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Principal } from '#lib/http/principal';
import { singleton } from '#lib/singletons';

/**
 * End users of a key: people behind one front end, which names each of them in its requests. Each
 * is a caller below the key, so that they get fair shares and limits of their own. What they send
 * belongs to the key.
 */

/** A plain name is readable in lists of the queue. Any other one is known by its digest. */
const PLAIN_NAME = /^[A-Za-z0-9._@+-]{1,64}$/;
const DIGEST_CHARACTERS = 16;
/** LRU bound. */
const MAX_END_USERS = 10_000;

/** The principal of an end user; the key's own if it names none, or is not trusted to name any. */
export function endUserPrincipal(principal: Principal, endUser: string | undefined): Principal {
  if (principal.trustsEndUser !== true || endUser === undefined || endUser === '') return principal;
  const caller = `${principal.caller}/${callerName(endUser)}`;
  const all = endUsers();
  const known = all.get(caller);
  // The key may have got other rights in the meantime.
  if (known?.of === principal) return known.principal;
  const made = { of: principal, principal: { ...principal, caller } };
  all.set(caller, made);
  return made.principal;
}

/** A digest begins with a character that no plain name has. */
function callerName(endUser: string): string {
  if (PLAIN_NAME.test(endUser)) return endUser;
  return `~${hash('sha256', endUser, 'hex').slice(0, DIGEST_CHARACTERS)}`;
}

/** The text at `path` of a body; undefined for anything else. */
export function endUserOf(body: unknown, ...path: readonly string[]): string | undefined {
  let value = body;
  for (const name of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = Reflect.get(value, name);
  }
  return typeof value === 'string' ? value : undefined;
}

function endUsers(): LRUCache<string, { of: Principal; principal: Principal }> {
  return singleton('http.end-users', () => new LRUCache({ max: MAX_END_USERS }));
}
