import { LRUCache } from 'lru-cache';
import { type SharedChange, shareChange } from '#lib/cluster/cluster';
import { config } from '#lib/config/config';
import { AppError } from '#lib/errors';
import { BEARER, bearerTokenOf } from '#lib/http/bearer-token';
import { acceptKey, isThrottled, mayUseKey, recordFailedKey, tooManyFailedKeys } from '#lib/http/failed-keys';
import type { RequestHeaders } from '#lib/http/http-request';
import type { IdentitySource } from '#lib/http/identity';
import { openWork } from '#lib/http/open-work';
import type { Principal } from '#lib/http/principal';
import { SecretMap } from '#lib/http/secret-map';
import {
  AUTH_COOKIES,
  cookieName,
  countsAsSession,
  endedSessionCookie,
  type ShownSession,
  shownSessions,
  signedTextOf,
} from '#lib/people/accounts/auth-cookies';
import {
  type LoadedIdentity,
  loadKey,
  loadKeyById,
  loadPerson,
  loadProxyUser,
  loadSession,
} from '#lib/people/accounts/identity-loader';
import { admitProxyUser } from '#lib/people/accounts/proxy-users';
import { authSecret } from '#lib/people/accounts/server-secret';
import { tokenHash } from '#lib/people/secret-token';
import { singleton } from '#lib/singletons';
import { type Store, store } from '#lib/store/store';
import { MINUTE_MS, SECOND_MS } from '#lib/units';

/** Every key of accounts begins with it. */
export const KEY_PREFIX = 'cs_';
/** A longer one is not looked up. */
const MAX_CREDENTIAL_CHARS = 500;
/** Bound of the memory: about 500 bytes each. */
const MAX_KNOWN = 10_000;
/** Keys, and `Cookie` headers, whose hashes are known: at most 8 MB. */
const MAX_SHOWN = 4_096;
const MAX_SHOWN_CHARS = 1_024;
/** Changes by another server of the same database are seen after this time at the latest. */
const FRESH_MS = 30 * SECOND_MS;
/** A name of a proxy that stands for no person is not looked up again for this long. */
const REFUSED_MS = 5 * SECOND_MS;
/** LRU bound, of names of 128 characters at most. */
const MAX_REFUSED = 1_000;
/** "Last used" is written at most this often. */
const SEEN_INTERVAL_MS = MINUTE_MS;

interface RefusedName {
  /** Says why. */
  readonly error: AppError;
  /** In milliseconds since 1970. */
  readonly atMs: number;
}

/** What `#known` has of a session cookie. */
interface ShownCredential {
  readonly credential: string;
  readonly isPrefixed: boolean;
}

interface KnownIdentity extends LoadedIdentity {
  readonly readAtMs: number;
  readonly validUntilMs: number;
}

/** What `AccountIdentities` needs of the database. */
export interface IdentityStore {
  store(): Promise<Store>;
  secret(store: Store): Promise<string>;
  /** Makes the person that a trusted proxy names. Throws `unauthorized` if it may not join. */
  admitProxyUser(store: Store, name: string): Promise<void>;
}

/**
 * Identity source of accounts: session cookies and keys that begin with `cs_`. An LRU cache in
 * memory has the known ones, without a promise. Every change of a person, key, group or session
 * removes what is known of it, so a disabled person is refused at once. Other servers hear of it
 * where they share a Redis.
 */
export class AccountIdentities implements IdentitySource {
  readonly name = 'accounts';
  readonly cookieNames = AUTH_COOKIES.flatMap((cookie) => [cookieName(cookie, false), cookieName(cookie, true)]);
  /** By the hash of a key, `session` and the hash of a cookie, or `proxy` and a name. */
  readonly #known = new LRUCache<string, KnownIdentity>({ max: MAX_KNOWN });
  /** Names of a proxy that were refused. */
  readonly #refusedNames = new LRUCache<string, RefusedName>({ max: MAX_REFUSED });
  /** Hashes of keys that were accepted before, by the keys. */
  readonly #keys = new SecretMap<string>(MAX_SHOWN, MAX_SHOWN_CHARS);
  /** What `#known` has of `Cookie` headers that were accepted before. */
  readonly #cookies = new SecretMap<readonly ShownCredential[]>(MAX_SHOWN, MAX_SHOWN_CHARS);
  readonly #source: IdentityStore;
  #secret: string | undefined;
  /** Counts changes, so that a read that began before one is not cached after it. */
  #changes = 0;

  constructor(source: IdentityStore) {
    this.#source = source;
  }

  verify(
    headers: RequestHeaders,
    address: string | undefined,
    nowMs: number,
    foreignBearer: boolean,
    isSecure: boolean,
  ): Principal | undefined | Promise<Principal | undefined> {
    const authorization = headers.get('authorization');
    // The time of a refusal must not tell a throttled address that its guess was right.
    const isOpen = !isThrottled(address, 'key');
    const again =
      isOpen && authorization?.startsWith(BEARER) ? this.#keys.get(authorization, BEARER.length) : undefined;
    if (again !== undefined) return this.#verifyKey(again, undefined, address, nowMs);
    const bearer = bearerTokenOf(authorization);
    const apiKey = foreignBearer ? undefined : headers.get('x-api-key')?.trim() || undefined;
    for (const shown of [bearer, apiKey])
      if (shown?.startsWith(KEY_PREFIX) === true) {
        const hash = isOpen ? this.#keys.get(shown) : undefined;
        return this.#verifyKey(hash ?? tokenHash(shown), hash === undefined ? shown : undefined, address, nowMs);
      }
    // A credential of another source goes before the cookie that a browser adds.
    if (!foreignBearer && (bearer ?? apiKey) !== undefined) return undefined;
    return this.#verifyCookies(headers.get('cookie'), isSecure, address, nowMs);
  }

  /** The person that a trusted proxy names. One that may join is made a member. */
  trustedUser(name: string, nowMs: number): Principal | undefined | Promise<Principal | undefined> {
    const credential = `proxy ${name}`;
    const known = this.#known.get(credential);
    if (known !== undefined && isFresh(known, nowMs)) return known.principal;
    const refused = this.#refusedNames.get(name);
    if (refused !== undefined && nowMs >= refused.atMs && nowMs - refused.atMs < REFUSED_MS) throw refused.error;
    return this.#loadProxyUser(name, credential, nowMs);
  }

  async #loadProxyUser(name: string, credential: string, nowMs: number): Promise<Principal | undefined> {
    const changes = this.#changes;
    const opened = await this.#source.store();
    let loaded = await loadProxyUser(opened, name);
    if (loaded === undefined) {
      try {
        await this.#source.admitProxyUser(opened, name);
      } catch (error) {
        const isRefused = error instanceof AppError && error.code === 'unauthorized';
        if (isRefused && changes === this.#changes) this.#refusedNames.set(name, { error, atMs: nowMs });
        throw error;
      }
      loaded = await loadProxyUser(opened, name);
    }
    if (loaded === undefined) return undefined;
    this.#remember(credential, loaded, nowMs, changes);
    noteSeen(opened, loaded, nowMs);
    return loaded.principal;
  }

  /** The rights of a person or key as the database has them, with the saved caller. */
  async current({ caller, keyId, userId }: Principal, nowMs: number): Promise<Principal | undefined> {
    const opened = await this.#source.store();
    const found =
      keyId !== undefined
        ? (await loadKeyById(opened, keyId, nowMs))?.principal
        : userId === undefined
          ? undefined
          : await loadPerson(opened, userId);
    return found && { ...found, caller };
  }

  /** Ends the session of a browser, for every copy of its cookie. */
  async endSession(headers: RequestHeaders, isSecure: boolean): Promise<readonly string[]> {
    const shown = shownSessions(headers.get('cookie'));
    if (shown.length === 0) return [];
    const opened = await this.#source.store();
    this.#secret ??= await this.#source.secret(opened);
    for (const { value } of shown) {
      const token = signedTextOf(value, this.#secret);
      if (token === undefined) continue;
      await opened.db.deleteFrom('user_sessions').where('token', '=', token).execute();
      this.forgetSession(token);
    }
    return [endedSessionCookie(isSecure)];
  }

  forget(callers: readonly string[]): void {
    this.#forget((identity) => callers.includes(identity.principal.caller));
  }

  /** Forgets a person's sessions and keys. Like the other ones, in every server. */
  forgetPerson(userId: string): void {
    this.#change({ kind: 'identity', of: 'person', id: userId });
  }

  forgetKey(keyId: string): void {
    this.#change({ kind: 'identity', of: 'key', id: keyId });
  }

  forgetGroup(groupId: string): void {
    this.#change({ kind: 'identity', of: 'group', id: groupId });
  }

  forgetSession(token: string): void {
    this.#change({ kind: 'identity', of: 'session', id: tokenHash(token) });
  }

  /**
   * Applies a change, which this or another server has made in the database. The streams of a
   * session end with it.
   */
  apply({ of, id }: IdentityChange): void {
    this.#forget(IS_MEANT[of](id));
    if (of === 'session') openWork().endSession(id);
  }

  /** Forgets everything: changes of other servers may have been missed. */
  forgetAll(): void {
    this.#forget(() => true);
  }

  #change(change: IdentityChange): void {
    this.apply(change);
    shareChange(change);
  }

  #forget(isMeant: (identity: KnownIdentity) => boolean): void {
    this.#changes += 1;
    this.#refusedNames.clear();
    for (const [credential, identity] of this.#known.entries()) if (isMeant(identity)) this.#known.delete(credential);
  }

  /** `shown`: the key itself, unless it was accepted before. */
  #verifyKey(
    hash: string,
    shown: string | undefined,
    address: string | undefined,
    nowMs: number,
  ): Principal | undefined | Promise<Principal | undefined> {
    const known = this.#known.get(hash);
    if (known !== undefined && isFresh(known, nowMs)) return this.#acceptKey(known, hash, shown, address);
    if (!mayUseKey(address, hash, 'key')) throw tooManyFailedKeys(address);
    if (shown !== undefined && shown.length > MAX_CREDENTIAL_CHARS) return rejectKey(address);
    return this.#loadKey(hash, shown, address, nowMs);
  }

  async #loadKey(
    hash: string,
    shown: string | undefined,
    address: string | undefined,
    nowMs: number,
  ): Promise<Principal | undefined> {
    const changes = this.#changes;
    const opened = await this.#source.store();
    const loaded = await loadKey(opened, hash, nowMs);
    if (loaded === undefined) return rejectKey(address);
    this.#remember(hash, loaded, nowMs, changes);
    noteSeen(opened, loaded, nowMs);
    return this.#acceptKey(loaded, hash, shown, address);
  }

  /** Whether an address with too many wrong keys may use this one: see lib/http/failed-keys.ts. */
  #acceptKey(
    { principal }: LoadedIdentity,
    hash: string,
    shown: string | undefined,
    address: string | undefined,
  ): Principal {
    if (!acceptKey(address, hash, 'key')) throw tooManyFailedKeys(address);
    if (shown !== undefined) this.#keys.set(shown, hash);
    return principal;
  }

  #verifyCookies(
    cookies: string | null,
    isSecure: boolean,
    address: string | undefined,
    nowMs: number,
  ): Principal | undefined | Promise<Principal | undefined> {
    if (cookies === null) return undefined;
    const again = this.#cookies.get(cookies);
    const credentials = again ?? shownSessions(cookies).map(toCredential);
    for (const shown of credentials) {
      if (!countsAsSession(shown, isSecure)) continue;
      const known = this.#known.get(shown.credential);
      if (known === undefined || !isFresh(known, nowMs)) continue;
      if (again !== undefined) return acceptSession(known, address);
      return this.#acceptSession(known, cookies, credentials, address);
    }
    return credentials.length === 0 ? undefined : this.#loadSessions(cookies, credentials, isSecure, address, nowMs);
  }

  async #loadSessions(
    cookies: string,
    credentials: readonly ShownCredential[],
    isSecure: boolean,
    address: string | undefined,
    nowMs: number,
  ): Promise<Principal | undefined> {
    const changes = this.#changes;
    const opened = await this.#source.store();
    this.#secret ??= await this.#source.secret(opened);
    for (const [index, shown] of shownSessions(cookies).entries()) {
      if (!countsAsSession(shown, isSecure)) continue;
      const { value } = shown;
      const token = value.length > MAX_CREDENTIAL_CHARS ? undefined : signedTextOf(value, this.#secret);
      if (token === undefined) {
        recordFailedKey(address, value, 'cookie');
        continue;
      }
      const loaded = await loadSession(opened, token, nowMs);
      if (loaded === undefined) continue;
      this.#remember((credentials[index] ?? toCredential(shown)).credential, loaded, nowMs, changes);
      noteSeen(opened, loaded, nowMs);
      return this.#acceptSession(loaded, cookies, credentials, address);
    }
    return undefined;
  }

  #acceptSession(
    identity: LoadedIdentity,
    cookies: string,
    credentials: readonly ShownCredential[],
    address: string | undefined,
  ): Principal | undefined {
    const principal = acceptSession(identity, address);
    if (principal !== undefined) this.#cookies.set(cookies, credentials);
    return principal;
  }

  #remember(credential: string, loaded: LoadedIdentity, nowMs: number, changes: number): void {
    if (changes !== this.#changes) return;
    const validUntilMs = Math.min(nowMs + FRESH_MS, loaded.expiresAtMs);
    this.#known.set(credential, { ...loaded, readAtMs: nowMs, validUntilMs });
  }
}

type IdentityChange = Extract<SharedChange, { kind: 'identity' }>;

/** Whether a change is about an identity. */
const IS_MEANT: Record<IdentityChange['of'], (id: string) => (identity: LoadedIdentity) => boolean> = {
  person: (id) => (identity) => identity.userId === id,
  key: (id) => (identity) => identity.keyId === id,
  group: (id) => (identity) => identity.groupId === id,
  session: (id) => (identity) => identity.principal.session === id,
};

/** Notes when a key was last used, and its person last seen; of a session the person alone. */
function noteSeen(opened: Store, loaded: LoadedIdentity, nowMs: number): void {
  const { keyId, keySeenAtMs = 0, userId, personSeenAtMs = 0 } = loaded;
  if (keyId !== undefined && nowMs - keySeenAtMs > SEEN_INTERVAL_MS)
    void opened.write(opened.db.updateTable('access_keys').set({ last_used_at: nowMs }).where('id', '=', keyId));
  if (userId !== undefined && nowMs - personSeenAtMs > SEEN_INTERVAL_MS)
    void opened.write(opened.db.updateTable('users').set({ lastSeenAt: nowMs }).where('id', '=', userId));
}

/** A clock that was set back makes nothing valid for longer. */
function isFresh({ readAtMs, validUntilMs }: KnownIdentity, nowMs: number): boolean {
  return nowMs < validUntilMs && nowMs >= readAtMs;
}

/** Differs from what keys and people of a proxy are known by, so that no cookie can name them. */
function toCredential({ value, isPrefixed }: ShownSession): ShownCredential {
  return { credential: `session ${tokenHash(value)}`, isPrefixed };
}

/** An address with too many wrong cookies keeps the sessions that it used before. */
function acceptSession({ principal }: LoadedIdentity, address: string | undefined): Principal | undefined {
  return acceptKey(address, principal.caller, 'cookie') ? principal : undefined;
}

/** Wrong keys are counted where `API_KEYS` are compared, after every source (lib/http/auth.ts). */
function rejectKey(address: string | undefined): undefined {
  if (isThrottled(address, 'key')) throw tooManyFailedKeys(address);
  return undefined;
}

/** The identities of this process. */
export function accountIdentities(): AccountIdentities {
  return singleton(
    'people.identities',
    () =>
      new AccountIdentities({
        store,
        secret: (opened) => authSecret(opened, config().AUTH_SECRET),
        admitProxyUser: (opened, name) => admitProxyUser(opened, name, config()),
      }),
  );
}
