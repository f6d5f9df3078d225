import { LRUCache } from 'lru-cache';
import type { Config } from '#lib/config/config';
import { apiKeys } from '#lib/http/api-keys';
import { keyRequired, verifyCredentials } from '#lib/http/auth';
import type { RequestHeaders } from '#lib/http/http-request';
import { administrator, anonymous, type Principal } from '#lib/http/principal';
import { singleton } from '#lib/singletons';

/**
 * Who calls: finds the `Principal` behind a request. What is known is in memory, so a request of a
 * known caller allocates no principal and waits for no promise. See docs/contract.md#access.
 */

/** A way to authenticate, next to `API_KEYS`. Registered once per process. */
export interface IdentitySource {
  readonly name: string;
  /**
   * Undefined if the headers hold no credentials of this source, or wrong ones. A promise only if
   * memory does not know the credentials. `foreignBearer`: see `verifyCredentials`.
   */
  verify(
    headers: RequestHeaders,
    address: string | undefined,
    nowMs: number,
    foreignBearer: boolean,
  ): Principal | undefined | Promise<Principal | undefined>;
}

/** What a request shows of its caller. */
export interface Claim {
  readonly headers: RequestHeaders;
  /** The connection's remote address, undefined if the platform hides it. */
  readonly peerAddress: string | undefined;
  /** The client's subnet. */
  readonly address: string | undefined;
}

/** Name of a caller whose address is unknown. */
const UNKNOWN_ADDRESS = 'unknown';
const MAX_ADDRESSES = 4_096;

/** Registers a source. One with the same name is replaced. */
export function registerIdentitySource(source: IdentitySource): void {
  const sources = identitySources();
  const at = sources.findIndex(({ name }) => name === source.name);
  if (at === -1) sources.push(source);
  else sources[at] = source;
}

function identitySources(): IdentitySource[] {
  return singleton<IdentitySource[]>('http.identity-sources', () => []);
}

/**
 * Returns the principal of a request. Throws `unauthorized` without valid credentials where they
 * are needed, and `rate_limited` after too many wrong ones.
 */
export function authenticate(claim: Claim, settings: Config, nowMs: number): Principal | Promise<Principal> {
  if (settings.API_KEYS.length === 0) return principals().local(claim.address);
  const verified = verifyCredentials(claim.headers, settings.API_KEYS, claim.address, nowMs);
  if (verified === undefined) throw keyRequired();
  return principalOfKey(verified.key, settings);
}

/** The principal of a key of `API_KEYS`: an administrator. */
export function principalOfKey(key: string, settings: Config): Principal {
  let known = keyPrincipals.get(settings);
  if (known === undefined) {
    known = new Map(
      apiKeys(settings.API_KEYS).map(({ key: secret, id }) => [secret, administrator(`key:${id}`, { keyId: id })]),
    );
    keyPrincipals.set(settings, known);
  }
  const principal = known.get(key);
  if (principal === undefined) throw keyRequired();
  return principal;
}

const keyPrincipals = new WeakMap<Config, ReadonlyMap<string, Principal>>();

/** The principal of an open route, which needs no credentials. */
export function anonymousAt(address: string | undefined): Principal {
  return principals().anonymous(address);
}

/** The caller of a preflight, which browsers send without credentials. */
export const PREFLIGHT: Principal = anonymous('preflight');

/** Principals by address, without authentication. */
class AddressPrincipals {
  readonly #local = new LRUCache<string, Principal>({ max: MAX_ADDRESSES });
  readonly #anonymous = new LRUCache<string, Principal>({ max: MAX_ADDRESSES });

  local(address: string = UNKNOWN_ADDRESS): Principal {
    return known(this.#local, address, administrator);
  }

  anonymous(address: string = UNKNOWN_ADDRESS): Principal {
    return known(this.#anonymous, address, anonymous);
  }
}

function known(all: LRUCache<string, Principal>, address: string, create: (address: string) => Principal): Principal {
  let principal = all.get(address);
  if (principal === undefined) {
    principal = create(address);
    all.set(address, principal);
  }
  return principal;
}

function principals(): AddressPrincipals {
  return singleton('http.address-principals', () => new AddressPrincipals());
}
