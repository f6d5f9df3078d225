import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Compilable } from 'kysely';
import type { Clock } from '#lib/chat/clock';
import type { ChatServersTable } from '#lib/store/tables/chat-requests';
import type { Store } from '#lib/store/types';
import { SECOND_MS } from '#lib/units';

/** How often a server with saved requests says that it runs. */
export const BEAT_MS = 10 * SECOND_MS;
/** A server that was watched for this long, and said nothing meanwhile, does not run. */
export const SILENCE_MS = 40 * SECOND_MS;
/** How often a server looks for requests of others that do not run any more. */
export const LOOK_MS = 10 * SECOND_MS;

/** A process as others can look for it. */
export interface ProcessInfo {
  readonly host: string;
  readonly pid: number;
  /** Whether a process with this id runs on this machine. */
  isRunning(pid: number): boolean;
}

export const THIS_PROCESS: ProcessInfo = {
  host: hostname(),
  pid: process.pid,
  isRunning(pid) {
    try {
      process.kill(pid, 0);
      return true;
    } catch (error) {
      // It runs as another user.
      return error instanceof Error && 'code' in error && error.code === 'EPERM';
    }
  },
};

export interface TakeOver {
  /** The servers whose requests are taken. */
  readonly taken: readonly string[];
  /** Whether these requests have this server as their owner now. */
  readonly isWritten: boolean;
  /** Whether other servers may run, or have requests that this one could not take. */
  readonly hasOthers: boolean;
}

interface WatchedServer {
  /** The last beat, and when it was first seen here. */
  readonly beat: number;
  readonly sinceMs: number;
  /** Whether this server has found it when it started, and it said nothing since. */
  readonly isFromBefore: boolean;
}

const NOTHING_TAKEN: TakeOver = { taken: [], hasOthers: false, isWritten: true };

/**
 * A lease on saved requests: each belongs to the server that accepted it, until that one does not
 * run any more. So a second server over the same database does not run them, too.
 *
 * Whether a server is silent is measured by watching its beats, and never by comparing its clock
 * with this one's: either may have been set.
 */
export class QueueOwner {
  readonly id = randomUUID();
  readonly #clock: Clock;
  readonly #process: ProcessInfo;
  #beatAt = Number.NEGATIVE_INFINITY;
  /** The other servers; undefined before they were looked at. */
  #watched: Map<string, WatchedServer> | undefined;

  constructor(clock: Clock, process: ProcessInfo = THIS_PROCESS) {
    this.#clock = clock;
    this.#process = process;
  }

  /** Writes that the server runs. Empty if it did so lately. */
  beat(store: Store): Compilable[] {
    const now = this.#clock.now();
    // A clock that is set back must not silence it.
    if (Math.abs(now - this.#beatAt) < BEAT_MS) return [];
    this.#beatAt = now;
    const row = { host: this.#process.host, pid: this.#process.pid, seen_at: Math.floor(now) };
    return [
      store.db
        .insertInto('chat_servers')
        .values({ id: this.id, ...row })
        .onConflict((conflict) => conflict.column('id').doUpdateSet(row)),
    ];
  }

  /** Lets another server take the requests over without waiting for silence. */
  async leave(store: Store): Promise<void> {
    await store.write(store.db.deleteFrom('chat_servers').where('id', '=', this.id));
  }

  /**
   * Takes over the waiting requests of servers that do not run any more. A database that takes no
   * writes gives them all the same. Without another server and without requests of one it makes
   * two small reads and no write.
   */
  async takeOver(store: Store): Promise<TakeOver> {
    const owners = await store.db
      .selectFrom('chat_requests')
      .select('owner')
      .distinct()
      .where('finished_at', 'is', null)
      .where('owner', '!=', this.id)
      .execute();
    const servers = await store.db.selectFrom('chat_servers').selectAll().where('id', '!=', this.id).execute();
    this.#watch(servers);
    if (owners.length === 0 && servers.length === 0) return NOTHING_TAKEN;
    const running = new Set(servers.filter((server) => this.#runs(server)).map(({ id }) => id));
    const taken = owners.map(({ owner }) => owner).filter((owner) => !running.has(owner));
    // One that spoke again since it was read keeps its row, and with it its requests.
    const statements: Compilable[] = servers
      .filter(({ id }) => !running.has(id))
      .map(({ id, seen_at }) =>
        store.db.deleteFrom('chat_servers').where('id', '=', id).where('seen_at', '=', seen_at),
      );
    if (taken.length > 0)
      statements.push(
        ...this.beat(store),
        store.db
          .updateTable('chat_requests')
          .set({ owner: this.id })
          .where('owner', 'in', taken)
          .where('owner', 'not in', (query) => query.selectFrom('chat_servers').select('id').where('id', '!=', this.id))
          .where('finished_at', 'is', null),
      );
    const isWritten = await store.writeAll(statements).then(
      () => true,
      () => false,
    );
    return { taken, hasOthers: running.size > 0, isWritten };
  }

  /** Keeps since when each server has said nothing new. */
  #watch(servers: readonly ChatServersTable[]): void {
    const nowMs = this.#clock.now();
    const before = this.#watched;
    this.#watched = new Map(
      servers.map(({ id, seen_at }) => {
        const beat = Number(seen_at);
        const known = before?.get(id);
        // Also one that is earlier than the last is a new one.
        return [id, known?.beat === beat ? known : { beat, sinceMs: nowMs, isFromBefore: before === undefined }];
      }),
    );
  }

  #runs({ id, host, pid }: ChatServersTable): boolean {
    const { sinceMs = 0, isFromBefore = true } = this.#watched?.get(id) ?? {};
    if (host === this.#process.host) {
      // The process id is this server's now. Two containers may share both: that one is not from
      // before.
      if (Number(pid) === this.#process.pid && isFromBefore) return false;
      if (!this.#process.isRunning(Number(pid))) return false;
    }
    return this.#clock.now() - sinceMs < SILENCE_MS;
  }
}
