import { Redis } from 'ioredis';
import type { ClusterLink } from '#lib/cluster/shared-types';
import { MINUTE_MS, SECOND_MS } from '#lib/units';

/** A read that waits for news ends after this time, and begins again. */
const BLOCK_MS = 5 * SECOND_MS;
/** A connection that does not even end a read is replaced. */
const SILENCE_MS = BLOCK_MS + 3 * SECOND_MS;
/** Logs that one loop reads: each read names all of them. */
const MAX_RUNS = 256;
/** Entries of a log in one read. */
const MAX_ENTRIES = 200;
const RETRY_MS = 200;
/** Before the first entry of a log. */
export const LOG_START = '0-0';

/** Called with each entry of a log that is followed, and its fields. Must not throw. */
export type EntryListener = (run: string, id: string, fields: readonly string[]) => void;

/** Reads the logs of runs that other instances write, as they grow. */
export class Follower {
  readonly #link: ClusterLink;
  readonly #onEntry: EntryListener;
  readonly #loops: FollowLoop[] = [];
  readonly #loopOf = new Map<string, FollowLoop>();
  #isClosed = false;

  constructor(link: ClusterLink, onEntry: EntryListener) {
    this.#link = link;
    this.#onEntry = onEntry;
  }

  /** Reads the entries after `after` from now on. */
  follow(run: string, after = LOG_START): void {
    if (this.#isClosed) return;
    let loop = this.#loopOf.get(run) ?? this.#loops.find(({ size }) => size < MAX_RUNS);
    if (loop === undefined) {
      loop = new FollowLoop(this.#link, `${this.#link.instanceId}:${this.#loops.length}`, this.#onEntry);
      this.#loops.push(loop);
    }
    this.#loopOf.set(run, loop);
    loop.follow(run, after);
  }

  unfollow(run: string): void {
    this.#loopOf.get(run)?.unfollow(run);
    this.#loopOf.delete(run);
  }

  close(): void {
    this.#isClosed = true;
    for (const loop of this.#loops) loop.close();
  }
}

class FollowLoop {
  readonly #link: ClusterLink;
  readonly #client: Redis;
  readonly #wakeKey: string;
  readonly #onEntry: EntryListener;
  /** Names of streams, with the run and the id of its last entry that was read. */
  readonly #runs = new Map<string, { readonly run: string; last: string }>();
  #lastWake = LOG_START;
  /** Whether a read waits that does not know the newest run. */
  #isBlocked = false;
  #isClosed = false;

  constructor(link: ClusterLink, name: string, onEntry: EntryListener) {
    this.#link = link;
    this.#wakeKey = link.keys.wake(name);
    this.#onEntry = onEntry;
    this.#client = new Redis({
      ...link.connectionOptions,
      lazyConnect: false,
      maxRetriesPerRequest: null,
      autoResendUnfulfilledCommands: false,
      // Reads would be collected while it is not connected.
      enableOfflineQueue: false,
    });
    // The request path reports that Redis is away.
    this.#client.on('error', () => {});
    void this.#loop();
  }

  get size(): number {
    return this.#runs.size;
  }

  follow(run: string, after: string): void {
    this.#runs.set(this.#link.keys.log(run), { run, last: after });
    this.#wake();
  }

  unfollow(run: string): void {
    this.#runs.delete(this.#link.keys.log(run));
  }

  close(): void {
    this.#isClosed = true;
    this.#client.disconnect();
  }

  #wake(): void {
    if (!this.#isBlocked || !this.#link.connection.isUsable) return;
    this.#isBlocked = false;
    this.#link.connection.client
      .multi()
      .xadd(this.#wakeKey, 'MAXLEN', 1, '*', 'w', '1')
      .pexpire(this.#wakeKey, MINUTE_MS)
      .exec()
      .catch(() => {
        // The read ends by itself.
      });
  }

  /** Never rejects. */
  async #loop(): Promise<void> {
    while (!this.#isClosed) {
      const silence = setTimeout(() => this.#client.disconnect(true), SILENCE_MS);
      try {
        const keys = [this.#wakeKey, ...this.#runs.keys()];
        const ids = [this.#lastWake, ...[...this.#runs.values()].map(({ last }) => last)];
        this.#isBlocked = true;
        const streams = await this.#read([...keys, ...ids]);
        this.#isBlocked = false;
        for (const [key, entries] of streams ?? []) this.#handle(key, entries);
      } catch {
        // The request path reports that Redis is away.
        this.#isBlocked = false;
        if (!this.#isClosed) await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      } finally {
        clearTimeout(silence);
      }
    }
  }

  /** Rejects when the connection ends, too: a command that has no reply then is left as it is. */
  #read(streams: readonly string[]): ReturnType<Redis['xread']> {
    return new Promise((resolve, reject) => {
      const onClose = () => reject(new Error('the connection was closed'));
      this.#client.once('close', onClose);
      this.#client
        .xread('COUNT', MAX_ENTRIES, 'BLOCK', BLOCK_MS, 'STREAMS', ...streams)
        .then(resolve, reject)
        .finally(() => this.#client.off('close', onClose));
    });
  }

  #handle(key: string, entries: readonly [id: string, fields: string[]][]): void {
    if (key === this.#wakeKey) {
      this.#lastWake = entries.at(-1)?.[0] ?? this.#lastWake;
      return;
    }
    for (const [id, fields] of entries) {
      // It may have been left or begun again since the read.
      const followed = this.#runs.get(key);
      if (followed === undefined || isOlder(id, followed.last)) return;
      followed.last = id;
      this.#onEntry(followed.run, id, fields);
      // The rest was read before that.
      if (this.#runs.get(key) !== followed) return;
    }
  }
}

/** Whether an entry is not after `last`. */
function isOlder(id: string, last: string): boolean {
  const [attempt = 0, number = 0] = id.split('-').map(Number);
  const [lastAttempt = 0, lastNumber = 0] = last.split('-').map(Number);
  return attempt < lastAttempt || (attempt === lastAttempt && number <= lastNumber);
}
