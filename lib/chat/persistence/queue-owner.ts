import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Compilable } from 'kysely';
import type { Clock } from '#lib/chat/clock';
import type { ChatServersTable } from '#lib/store/tables/chat-requests';
import type { Store } from '#lib/store/types';
import { SECOND_MS } from '#lib/units';

/** How often a server with saved requests says that it runs. */
export const BEAT_MS = 10 * SECOND_MS;
/** A server on another machine that was silent for this long does not run. */
export const SILENCE_MS = 40 * SECOND_MS;

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
  /** Whether other servers with waiting requests run. */
  readonly hasOthers: boolean;
}

/**
 * A lease on saved requests: each belongs to the server that accepted it, until that one does not
 * run any more. So a second server over the same database does not run them, too.
 */
export class QueueOwner {
  readonly id = randomUUID();
  readonly #clock: Clock;
  readonly #process: ProcessInfo;
  #beatAt = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, process: ProcessInfo = THIS_PROCESS) {
    this.#clock = clock;
    this.#process = process;
  }

  /** Writes that the server runs. Empty if it did so lately. */
  beat(store: Store): Compilable[] {
    const now = this.#clock.now();
    if (now - this.#beatAt < BEAT_MS) return [];
    this.#beatAt = now;
    const row = { host: this.#process.host, pid: this.#process.pid, seen_at: Math.floor(now) };
    return [
      store.db
        .insertInto('chat_servers')
        .values({ id: this.id, ...row })
        .onConflict((conflict) => conflict.column('id').doUpdateSet(row)),
    ];
  }

  /** Lets a server that starts next take the requests over at once. */
  async leave(store: Store): Promise<void> {
    await store.write(store.db.deleteFrom('chat_servers').where('id', '=', this.id));
  }

  /**
   * Takes over the waiting requests of servers that do not run any more. A database that takes no
   * writes gives them all the same.
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
    const running = new Set(servers.filter((server) => this.#runs(server)).map(({ id }) => id));
    const taken = owners.map(({ owner }) => owner).filter((owner) => !running.has(owner));
    const ended = servers.map(({ id }) => id).filter((id) => !running.has(id));
    const hasOthers = owners.some(({ owner }) => running.has(owner));
    const statements: Compilable[] = [];
    if (taken.length > 0)
      statements.push(
        ...this.beat(store),
        store.db
          .updateTable('chat_requests')
          .set({ owner: this.id })
          .where('owner', 'in', taken)
          .where('finished_at', 'is', null),
      );
    if (ended.length > 0) statements.push(store.db.deleteFrom('chat_servers').where('id', 'in', ended));
    const isWritten = await store.writeAll(statements).then(
      () => true,
      () => false,
    );
    return { taken, hasOthers, isWritten };
  }

  #runs({ host, pid, seen_at }: ChatServersTable): boolean {
    if (this.#clock.now() - Number(seen_at) >= SILENCE_MS) return false;
    // The same process id, and not this server: it is one from before on the same machine.
    return host !== this.#process.host || (Number(pid) !== this.#process.pid && this.#process.isRunning(Number(pid)));
  }
}
