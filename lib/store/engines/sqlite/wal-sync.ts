import { close, fdatasync, open } from 'node:fs';
import { promisify } from 'node:util';
import { unavailableFrom } from '#lib/store/engines/sqlite/errors';
import { StoreUnavailable } from '#lib/store/errors';

const openFile = promisify(open);
const closeFile = promisify(close);
const sync = promisify(fdatasync);

/**
 * Syncs the write-ahead log off the event loop. `synchronous = NORMAL` writes a commit to the log
 * without a sync, and SQLite orders the rest so that the file stays consistent; the commit is
 * durable once the log is synced (https://sqlite.org/wal.html#performance_considerations).
 * Concurrent callers share a sync that began after their commits: group commit.
 *
 * Closing a descriptor of the log drops no lock of SQLite: those are on the database file and on
 * its `-shm` file.
 */
export class WalSync {
  readonly #file: string;
  #descriptor: Promise<number> | undefined;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(databaseFile: string) {
    this.#file = `${databaseFile}-wal`;
  }

  /** Resolves when everything that was committed before the call is on disk. */
  sync(): Promise<void> {
    if (this.#running === undefined) return this.#start();
    // The running one may have begun before the commit. Its callers get its failure.
    this.#next ??= this.#running
      .catch(() => undefined)
      .then(() => {
        this.#next = undefined;
        return this.#start();
      });
    return this.#next;
  }

  async close(): Promise<void> {
    // The callers of `sync` get these failures.
    await this.#running?.catch(() => undefined);
    const descriptor = await this.#descriptor?.catch(() => undefined);
    if (descriptor !== undefined) await closeFile(descriptor);
  }

  #start(): Promise<void> {
    const run = this.#syncOnce().finally(() => {
      if (this.#running === run) this.#running = undefined;
    });
    this.#running = run;
    return run;
  }

  async #syncOnce(): Promise<void> {
    this.#descriptor ??= openFile(this.#file, 'r');
    try {
      await sync(await this.#descriptor);
    } catch (error) {
      this.#descriptor = undefined;
      throw unavailableFrom(error) ?? new StoreUnavailable('failed', undefined, error);
    }
  }
}
