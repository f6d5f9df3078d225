import type { Principal } from '#lib/http/principal';
import { hasLimit } from '#lib/people/limits/limit-definitions';
import { LIMIT_NAMES, type LimitScope, type StoredLimits } from '#lib/wire/limits';

/** The stored limits of one scope. */
export interface ScopeEntry {
  readonly scope: LimitScope;
  readonly limits: StoredLimits;
  readonly updatedAt: number | null;
}

/** Limits with the name that they count. None of them is 0. */
export interface LimitSet {
  readonly subject: string;
  readonly limits: StoredLimits;
}

export interface LimitTableOptions {
  /** The limits of the environment. They stand before stored defaults. */
  readonly environment: StoredLimits;
  /** Whether people have accounts: administrators have no limits then but their own. */
  readonly hasAccounts: boolean;
}

const ORDER = ['default', 'group', 'key', 'user'];

/** All limits in memory, and which of them a principal has. */
export class LimitTable {
  readonly #hasAccounts: boolean;
  #environment: StoredLimits;
  #entries = new Map<string, ScopeEntry>();
  #version = 0;

  constructor({ environment, hasAccounts }: LimitTableOptions) {
    this.#environment = environment;
    this.#hasAccounts = hasAccounts;
  }

  /** Grows with every change. */
  get version(): number {
    return this.#version;
  }

  /** Whether any caller may have a limit. */
  get isEmpty(): boolean {
    if (hasLimit(this.#environment)) return false;
    for (const { limits } of this.#entries.values()) if (hasLimit(limits)) return false;
    return true;
  }

  replaceAll(entries: readonly ScopeEntry[]): void {
    this.#entries = new Map(entries.map((entry) => [keyOf(entry.scope), entry]));
    this.#version += 1;
  }

  set(entry: ScopeEntry): void {
    this.#entries.set(keyOf(entry.scope), entry);
    this.#version += 1;
  }

  delete(scope: LimitScope): boolean {
    this.#version += 1;
    return this.#entries.delete(keyOf(scope));
  }

  get(scope: LimitScope): ScopeEntry | undefined {
    return this.#entries.get(keyOf(scope));
  }

  /** By kind and id. */
  get entries(): ScopeEntry[] {
    return [...this.#entries.values()].sort((a, b) => this.compare(a.scope, b.scope));
  }

  /** The order of `entries`. */
  compare(a: LimitScope, b: LimitScope): number {
    return ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind) || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
  }

  /** The limits of the environment, which are not changed here. */
  get environment(): StoredLimits {
    return this.#environment;
  }

  set environment(limits: StoredLimits) {
    this.#environment = limits;
    this.#version += 1;
  }

  /** The limits of every caller without more specific ones. */
  get defaults(): StoredLimits {
    return this.defaultsWith(this.#entries.get('default ')?.limits);
  }

  /** Stored defaults, with the limits of the environment in front. */
  defaultsWith(stored: StoredLimits | undefined): StoredLimits {
    return { ...stored, ...this.#environment };
  }

  /**
   * The limits of a principal, counted by person: an end user of a key, a user, else a key or an
   * address. For each name the most specific scope wins: key, user, group, default. A key of a
   * person has its limits in addition, so that no person can raise the own limits by a key.
   */
  setsOf(principal: Principal): readonly LimitSet[] {
    const { caller, role, userId, keyId, groupId } = principal;
    // A person pays for what all keys of the person use, whatever end users a request names.
    const isEndUser = userId === undefined && keyId !== undefined && caller.startsWith(`key:${keyId}/`);
    const isExempt = this.#hasAccounts && role === 'admin' && !isEndUser;
    const ofKey = this.#limitsOf('key', keyId);
    const ofUser = this.#limitsOf('user', userId);
    const shared = isExempt ? [] : [this.#limitsOf('group', groupId), this.defaults];
    const isPersonal = userId !== undefined;
    const sets = [
      {
        subject: isPersonal ? `user:${userId}` : caller,
        limits: firstOf([isPersonal ? undefined : ofKey, ofUser, ...shared]),
      },
    ];
    if (isPersonal && keyId !== undefined && ofKey !== undefined)
      sets.push({ subject: `key:${keyId}`, limits: firstOf([ofKey]) });
    return sets.filter(({ limits }) => hasLimit(limits));
  }

  #limitsOf(kind: LimitScope['kind'], id: string | undefined): StoredLimits | undefined {
    return id === undefined ? undefined : this.#entries.get(keyOf({ kind, id }))?.limits;
  }
}

function keyOf({ kind, id }: LimitScope): string {
  return `${kind} ${id}`;
}

/** For each name the first that has it, without those of 0. */
function firstOf(chain: readonly (StoredLimits | undefined)[]): StoredLimits {
  const found: StoredLimits = {};
  for (const name of LIMIT_NAMES) {
    const limit = chain.find((limits) => limits?.[name] !== undefined)?.[name];
    if (limit !== undefined && limit.limit > 0) found[name] = limit;
  }
  return found;
}
