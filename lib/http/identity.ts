import { LRUCache } from 'lru-cache';
import { type AuthMode, authMode } from '#lib/config/auth-mode';
import type { Config } from '#lib/config/config';
import { apiKeys } from '#lib/http/api-keys';
import { findHeaderKey, keyRequired, notAuthenticated, verifyCredentials } from '#lib/http/auth';
import type { RequestHeaders } from '#lib/http/http-request';
import { isOverTls, saysTls } from '#lib/http/over-tls';
import { administrator, anonymous, member, type Principal } from '#lib/http/principal';
import { SECURE_SESSION_COOKIE, SESSION_COOKIE } from '#lib/http/session-cookie';
import { trustedUser, userName } from '#lib/http/trusted-user';
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
   * memory does not know the credentials. `foreignBearer` and `isSecure`: see `verifyCredentials`.
   */
  verify(
    headers: RequestHeaders,
    address: string | undefined,
    nowMs: number,
    foreignBearer: boolean,
    isSecure: boolean,
  ): Principal | undefined | Promise<Principal | undefined>;
  /** Cookies that hold its sessions. They are not sent to backends of the gateway. */
  readonly cookieNames?: readonly string[];
  /**
   * A principal of this source as it is now, with its caller; undefined if it may not use the
   * server any more. Rejects with `not_saved` if that cannot be read.
   */
  current?(saved: Principal, nowMs: number): Promise<Principal | undefined>;
  /** Forgets what it remembers of callers that were locked out. */
  forget?(callers: readonly string[]): void;
  /** Ends the session of a browser, and returns the `Set-Cookie` headers that delete it. */
  endSession?(headers: RequestHeaders, isSecure: boolean): Promise<readonly string[]>;
}

/** What a request shows of its caller. */
export interface Claim {
  readonly headers: RequestHeaders;
  /** The connection's remote address, undefined if the platform hides it. */
  readonly peerAddress: string | undefined;
  /** The client's subnet. */
  readonly address: string | undefined;
  /** Whether the browser speaks TLS; by default what the peer says, if it is a trusted proxy. */
  readonly isSecure?: boolean;
}

/** Name of a caller whose address is unknown. */
const UNKNOWN_ADDRESS = 'unknown';
/** LRU bound. */
const MAX_NAMES = 4_096;

/** Registers a source. One with the same name is replaced. */
export function registerIdentitySource(source: IdentitySource): void {
  const { sources } = identities();
  const at = sources.findIndex(({ name }) => name === source.name);
  if (at === -1) sources.push(source);
  else sources[at] = source;
}

/** Finds the principal of a person that a trusted proxy names; undefined for an unknown one. */
export type TrustedUsers = (name: string, nowMs: number) => Principal | undefined | Promise<Principal | undefined>;

/** Sets how people named by `TRUSTED_USER_HEADER` are found. By default each name is a member. */
export function provideTrustedUsers(find: TrustedUsers): void {
  identities().trustedUsers = find;
}

/** Ends the sessions of all sources in these headers. Returns `Set-Cookie` headers. */
export async function endSessions(headers: RequestHeaders, isSecure: boolean): Promise<string[]> {
  const ended = identities().sources.map(async (source) => (await source.endSession?.(headers, isSecure)) ?? []);
  return (await Promise.all(ended)).flat();
}

/** Names of cookies that hold sessions, in lower case. No backend receives them. */
export function sessionCookieNames(): readonly string[] {
  const { sources } = identities();
  return sources.length === 0 ? KEY_SESSION_COOKIES : [...KEY_SESSION_COOKIES, ...sources.flatMap(cookiesOf)];
}

const KEY_SESSION_COOKIES = [SESSION_COOKIE, SECURE_SESSION_COOKIE.toLowerCase()];

function cookiesOf({ cookieNames = [] }: IdentitySource): string[] {
  return cookieNames.map((name) => name.toLowerCase());
}

/** An authenticated caller, and where it showed who it is. */
export interface Identity {
  readonly principal: Principal;
  /** Whether a header holds a key of this server, which no backend receives. */
  readonly isKeyInHeader: boolean;
}

/**
 * Returns the principal of a request. Throws `unauthorized` without valid credentials where they
 * are needed, `rate_limited` after too many wrong ones, and what `trustedUser` throws.
 */
export function authenticate(claim: Claim, settings: Config, nowMs: number): Principal | Promise<Principal> {
  const identity = identify(claim, settings, nowMs);
  if (identity instanceof Promise) return identity.then((later) => requirePrincipal(later, claim));
  return requirePrincipal(identity, claim);
}

function requirePrincipal(identity: Identity | undefined, { headers }: Claim): Principal {
  if (identity === undefined) throw notAuthenticated(headers);
  return identity.principal;
}

/**
 * Returns who a request is from; undefined without valid credentials. A key in a header counts
 * first, then the person that a trusted proxy names, then a session cookie. `foreignBearer`: see
 * `verifyCredentials`. Throws as `authenticate`, except `unauthorized` for missing credentials.
 */
export function identify(
  claim: Claim,
  settings: Config,
  nowMs: number,
  foreignBearer = false,
): Identity | undefined | Promise<Identity | undefined> {
  const { headers, peerAddress, address } = claim;
  const mode = authMode(settings);
  if (mode === 'none') return addresses().local(address);
  const user = trustedUser(headers, peerAddress, settings);
  const hasSources = mode === 'accounts' && identities().sources.length > 0;
  if (user === undefined && !hasSources) return ofApiKeys(claim, settings, nowMs, foreignBearer);
  const key = findHeaderKey(headers, settings.API_KEYS, address, foreignBearer);
  if (key !== undefined) return identitiesOfKey(key, settings).inHeader;
  if (!hasSources) return user === undefined ? undefined : ofTrustedUser(user, mode, nowMs);
  return ofSources(claim, settings, nowMs, foreignBearer, user);
}

/**
 * Who a page is for, by its headers alone: `identify` without an address, which Next does not
 * know. A person that a proxy names is not found.
 */
export function identifyReader(
  headers: RequestHeaders,
  settings: Config,
  nowMs: number,
): Identity | undefined | Promise<Identity | undefined> {
  const { TRUSTED_USER_HEADER: hidden } = settings;
  const shown =
    hidden === undefined ? headers : { get: (name: string) => (name === hidden ? null : headers.get(name)) };
  const isSecure = saysTls(headers, settings);
  return identify({ headers: shown, peerAddress: undefined, address: undefined, isSecure }, settings, nowMs, true);
}

/**
 * The person that a proxy names in `value`, for a page that was served after the check of the
 * proxy's address. It decides what the page shows, and never what the person may do.
 */
export function identifyProxied(
  value: string,
  settings: Config,
  nowMs: number,
): Identity | undefined | Promise<Identity | undefined> {
  return ofTrustedUser(userName(value), authMode(settings), nowMs);
}

/** By a key of `API_KEYS`, or by its session. */
function ofApiKeys(claim: Claim, settings: Config, nowMs: number, foreignBearer: boolean): Identity | undefined {
  const { headers, address } = claim;
  const isSecure = isClaimSecure(claim, settings);
  const verified = verifyCredentials(headers, settings.API_KEYS, address, nowMs, foreignBearer, isSecure);
  if (verified === undefined) return undefined;
  const { inHeader, inCookie } = identitiesOfKey(verified.key, settings);
  return verified.isBearer ? inHeader : inCookie;
}

function isClaimSecure({ headers, peerAddress, isSecure }: Claim, settings: Config): boolean {
  return isSecure ?? isOverTls(headers, peerAddress, settings);
}

/**
 * By a key of a source, by the proxy, by a session of a source, then by a session of a key. Asks
 * the sources from the one at `first` on.
 */
function ofSources(
  claim: Claim,
  settings: Config,
  nowMs: number,
  foreignBearer: boolean,
  user: string | undefined,
  first = 0,
): Identity | undefined | Promise<Identity | undefined> {
  const { headers, address } = claim;
  // A person that the proxy names is not replaced by the session of another one.
  const shown = user === undefined ? headers : withoutCookies(headers);
  const isSecure = isClaimSecure(claim, settings);
  const { sources } = identities();
  for (let at = first; at < sources.length; at++) {
    const found = identityOf(sources[at]?.verify(shown, address, nowMs, foreignBearer, isSecure));
    if (found instanceof Promise)
      return found.then((later) => later ?? ofSources(claim, settings, nowMs, foreignBearer, user, at + 1));
    if (found !== undefined) return found;
  }
  return user === undefined
    ? ofApiKeys(claim, settings, nowMs, foreignBearer)
    : ofTrustedUser(user, authMode(settings), nowMs);
}

function withoutCookies(headers: RequestHeaders): RequestHeaders {
  return { get: (name) => (name === 'cookie' ? null : headers.get(name)) };
}

function ofTrustedUser(
  name: string,
  mode: AuthMode,
  nowMs: number,
): Identity | undefined | Promise<Identity | undefined> {
  const { trustedUsers } = identities();
  if (trustedUsers !== undefined) return identityOf(trustedUsers(name, nowMs));
  return mode === 'accounts' ? undefined : addresses().member(name);
}

/** Principals are shared, and so are their identities: a known caller allocates none. */
const knownIdentities = new WeakMap<Principal, Identity>();

function identityOf(
  found: Principal | undefined | Promise<Principal | undefined>,
): Identity | undefined | Promise<Identity | undefined> {
  if (found === undefined) return undefined;
  if (found instanceof Promise) return found.then(identityOf);
  let identity = knownIdentities.get(found);
  if (identity === undefined) {
    identity = { principal: found, isKeyInHeader: found.keyId !== undefined };
    knownIdentities.set(found, identity);
  }
  return identity;
}

interface KeyIdentities {
  readonly inHeader: Identity;
  readonly inCookie: Identity;
}

/** The identities of a key of `API_KEYS`: an administrator. */
function identitiesOfKey(key: string, settings: Config): KeyIdentities {
  let known = keyIdentities.get(settings);
  if (known === undefined) {
    known = new Map(apiKeys(settings.API_KEYS).map(({ key: secret, id }) => [secret, makeIdentities(id, settings)]));
    keyIdentities.set(settings, known);
  }
  const identities = known.get(key);
  if (identities === undefined) throw keyRequired();
  return identities;
}

function makeIdentities(id: string, { TRUST_END_USER: trustsEndUser }: Config): KeyIdentities {
  const principal = administrator(`key:${id}`, { keyId: id, ...(trustsEndUser ? { trustsEndUser } : {}) });
  return { inHeader: { principal, isKeyInHeader: true }, inCookie: { principal, isKeyInHeader: false } };
}

const keyIdentities = new WeakMap<Config, ReadonlyMap<string, KeyIdentities>>();

interface Identities {
  readonly sources: IdentitySource[];
  trustedUsers?: TrustedUsers;
}

function identities(): Identities {
  return singleton<Identities>('http.identities', () => ({ sources: [] }));
}

/**
 * The principal of a request that was saved before a restart as it is now; undefined if its person
 * or key was disabled or deleted, or its key is no longer one of `API_KEYS`. Rejects with
 * `not_saved` if that cannot be read.
 */
export async function currentPrincipal(
  saved: Principal,
  settings: Config,
  nowMs: number,
): Promise<Principal | undefined> {
  const { keyId, userId } = saved;
  const mode = authMode(settings);
  // A caller that is known by its address alone is locked out by no one.
  if (mode === 'none' || (keyId === undefined && userId === undefined)) return saved;
  if (apiKeys(settings.API_KEYS).some(({ id }) => id === keyId)) return saved;
  if (mode === 'keys') return keyId === undefined && settings.TRUSTED_USER_HEADER !== undefined ? saved : undefined;
  for (const source of identities().sources) {
    const current = await source.current?.(saved, nowMs);
    if (current !== undefined) return current;
  }
  return undefined;
}

/** Makes every source forget callers, so that their next request is checked again. */
export function forgetCallers(callers: readonly string[]): void {
  for (const source of identities().sources) source.forget?.(callers);
}

/** The principal of an open route, which needs no credentials. */
export function anonymousAt(address: string | undefined): Principal {
  return addresses().anonymous(address);
}

/** The caller of a preflight, which browsers send without credentials. */
export const PREFLIGHT: Principal = anonymous('preflight');

/** Callers that are known by a name alone: an address, or a person of a trusted proxy. */
class NamedCallers {
  readonly #local = new LRUCache<string, Identity>({ max: MAX_NAMES });
  readonly #members = new LRUCache<string, Identity>({ max: MAX_NAMES });
  readonly #anonymous = new LRUCache<string, Principal>({ max: MAX_NAMES });

  local(address: string = UNKNOWN_ADDRESS): Identity {
    let known = this.#local.get(address);
    if (known === undefined) {
      known = { principal: administrator(address), isKeyInHeader: false };
      this.#local.set(address, known);
    }
    return known;
  }

  member(name: string): Identity {
    let known = this.#members.get(name);
    if (known === undefined) {
      known = { principal: member(`user:${name}`, { userId: name, name }), isKeyInHeader: false };
      this.#members.set(name, known);
    }
    return known;
  }

  anonymous(address: string = UNKNOWN_ADDRESS): Principal {
    let known = this.#anonymous.get(address);
    if (known === undefined) {
      known = anonymous(address);
      this.#anonymous.set(address, known);
    }
    return known;
  }
}

function addresses(): NamedCallers {
  return singleton('http.named-callers', () => new NamedCallers());
}
