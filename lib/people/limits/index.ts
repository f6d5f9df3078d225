import type { Compilable } from 'kysely';
import { cluster, type SharedTallies, shareChange } from '#lib/cluster/cluster';
import { authMode } from '#lib/config/auth-mode';
import { config } from '#lib/config/config';
import type { Principal } from '#lib/http/principal';
import { installRequestLimits } from '#lib/http/request-limits';
import { environmentLimits } from '#lib/people/limits/limit-definitions';
import { type LimitActor, limitRemoval, readLimits, StoredCounters, writeLimits } from '#lib/people/limits/limit-rows';
import { LimitTable, type ScopeEntry } from '#lib/people/limits/limit-table';
import { Limiter } from '#lib/people/limits/limiter';
import { type MinuteCounts, MinuteWindows, type OpenCounts } from '#lib/people/limits/minute-windows';
import { ownerOfKeyScope } from '#lib/people/limits/scope-directory';
import { UsageCounters } from '#lib/people/limits/usage-counters';
import { onShutdown } from '#lib/shutdown';
import { singleton } from '#lib/singletons';
import { type Store, store, whenStoreOpens } from '#lib/store/store';
import { log } from '#lib/telemetry/log';
import { SECOND_MS } from '#lib/units';
import type { LimitScope, StoredLimits } from '#lib/wire/limits';
import type { Me } from '#lib/wire/people';

/** The limits of people in this process: see docs/decisions/0033-limits-and-shares.md. */
export class PeopleLimits {
  readonly table: LimitTable;
  readonly #limiter: Limiter;
  readonly #counters: UsageCounters;
  readonly #open: () => Promise<Store>;
  #isLoaded = false;
  #last: Promise<unknown> = Promise.resolve();

  constructor(table: LimitTable, open: () => Promise<Store>, now: () => number = Date.now) {
    this.table = table;
    this.#open = open;
    const shared = cluster()?.tallies;
    this.#counters = new UsageCounters({
      rows: new StoredCounters(open),
      ...(shared === undefined ? {} : SHARED_COUNTERS),
      now,
      after: (ms, task) => {
        const timer = setTimeout(task, ms).unref();
        return () => clearTimeout(timer);
      },
      // The store reports by itself that it does not save.
      onError: (error) => log().debug({ err: error }, 'the counts of limits are in memory only for now'),
    });
    const windows = shared === undefined ? new MinuteWindows() : sharedWindows(shared);
    this.#limiter = new Limiter({
      table,
      counters: this.#counters,
      windows,
      open: shared && sharedOpen(shared),
      now,
      monotonicNow: () => performance.now(),
    });
    this.#install();
  }

  /** The kind of the limits of the environment may change while the server runs. */
  settingsChanged(): void {
    this.table.environment = environmentLimits(config());
    this.#install();
  }

  /** Reads the limits that were set at run time. */
  load(): Promise<void> {
    return this.#inTurn(() => this.#load());
  }

  /**
   * Resolves when the limits of the scope are on disk; they hold from then on. A group, user or key
   * without any is as before its first. `others` are statements of the same transaction.
   */
  change(
    scope: LimitScope,
    changed: (current: StoredLimits) => StoredLimits,
    actor: LimitActor,
    others: (opened: Store) => readonly Compilable[] = () => [],
  ): Promise<ScopeEntry> {
    return this.#inTurn(async () => {
      const opened = await this.#openCurrent();
      const before = this.table.get(scope)?.limits ?? {};
      const limits = changed(before);
      if (scope.kind !== 'default' && Object.keys(limits).length === 0) {
        await this.#remove(opened, scope, actor, others(opened));
        return { scope, limits, updatedAt: null };
      }
      const entry = { scope, limits, updatedAt: Date.now() };
      const owner = await ownerOfKeyScope(scope);
      await writeLimits(opened, entry, before, { actor, owner }, others(opened));
      this.table.set(entry);
      this.#install();
      shareChange({ kind: 'limits' });
      return entry;
    });
  }

  /** Resolves when the limits that were set at run time are known. */
  async whenLoaded(): Promise<void> {
    await this.#inTurn(() => this.#openLoaded());
  }

  /** Removes the limits of a scope, if it has any. */
  delete(scope: LimitScope, actor: LimitActor): Promise<void> {
    return this.#inTurn(async () => this.#remove(await this.#openCurrent(), scope, actor));
  }

  /**
   * Removes the limits of what is deleted. `commit` runs the statements in the transaction of the
   * deletion; the limits are in force until it resolves, and stay so if it rejects.
   */
  deleteWith<T>(
    scopes: readonly LimitScope[],
    actor: LimitActor,
    commit: (statements: readonly Compilable[]) => Promise<T>,
  ): Promise<T> {
    return this.#inTurn(async () => {
      const opened = await this.#openLoaded();
      const entries = scopes.flatMap((scope) => this.table.get(scope) ?? []);
      const removals: Compilable[] = [];
      for (const entry of entries)
        removals.push(...limitRemoval(opened, entry, { actor, owner: await ownerOfKeyScope(entry.scope) }));
      const committed = await commit(removals);
      if (entries.length === 0) return committed;
      for (const { scope } of entries) this.table.delete(scope);
      this.#install();
      shareChange({ kind: 'limits' });
      return committed;
    });
  }

  /** `limits` and `share` of `GET /api/me`. */
  async stateOf(principal: Principal): Promise<Pick<Me, 'limits' | 'share'>> {
    const allowance = this.#limiter.allowanceOf(principal);
    await allowance?.load();
    return { limits: allowance?.states() ?? [], share: allowance?.usedShare() ?? null };
  }

  /** Writes the counts that are not on disk yet. */
  close(): Promise<void> {
    return this.#counters.close();
  }

  /** One after another, so that no change is lost to another one. A failure is its caller's. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    // Who asked for the change gets its error. The next one does not fail with it.
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  async #openLoaded(): Promise<Store> {
    const opened = await this.#open();
    if (!this.#isLoaded) await this.#load();
    return opened;
  }

  /** Before a change: another server may have made one a moment ago. */
  async #openCurrent(): Promise<Store> {
    const opened = await this.#open();
    if (!this.#isLoaded || cluster() !== undefined) await this.#load();
    return opened;
  }

  async #remove(
    opened: Store,
    scope: LimitScope,
    actor: LimitActor,
    others: readonly Compilable[] = [],
  ): Promise<void> {
    const entry = this.table.get(scope);
    if (entry === undefined) {
      if (others.length > 0) await opened.writeAll(others);
      return;
    }
    const owner = await ownerOfKeyScope(scope);
    await opened.writeAll([...others, ...limitRemoval(opened, entry, { actor, owner })]);
    this.table.delete(scope);
    this.#install();
    shareChange({ kind: 'limits' });
  }

  async #load(): Promise<void> {
    this.table.replaceAll(await readLimits(await this.#open()));
    this.#isLoaded = true;
    this.#install();
  }

  /** Without any limit, requests do not ask. */
  #install(): void {
    this.#counters.limitsChanged();
    installRequestLimits(this.table.isEmpty ? undefined : this.#limiter);
  }
}

/**
 * Made once per process, before the first request. Opens no database before there is something to
 * count; what is stored in one that is open, or is opened later, is read then.
 */
export function peopleLimits(): PeopleLimits {
  return singleton('people.limits', () => {
    const settings = config();
    const environment = environmentLimits(settings);
    const table = new LimitTable({ environment, hasAccounts: authMode(settings) === 'accounts' });
    const limits = new PeopleLimits(table, store);
    whenStoreOpens(() => void limits.load().catch(warnOfLoad));
    onShutdown(() => limits.close());
    return limits;
  });
}

/**
 * Servers that share their counts write them sooner, and read those of the others: a request knows
 * what was used a second before, wherever that was.
 */
const SHARED_COUNTERS = { flushMs: SECOND_MS / 4, refreshMs: SECOND_MS / 2 };

function sharedWindows(tallies: SharedTallies): MinuteCounts {
  return {
    stateOf: (key) => tallies.windowOf(key),
    add: (key, count) => tallies.addToWindow(key, count),
    load: (key) => tallies.load(key),
  };
}

function sharedOpen(tallies: SharedTallies): OpenCounts {
  return {
    get: (subject) => tallies.openOf(subject),
    add: (subject, count) => tallies.addOpen(subject, count),
  };
}

function warnOfLoad(error: unknown): void {
  log().warn({ err: error }, 'the limits that were set at run time could not be read');
}
