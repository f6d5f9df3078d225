import { z } from 'zod';
import { type Clock, systemClock } from '#lib/clock';
import type { SharedChange } from '#lib/cluster/cluster';
import type { RedisKeys } from '#lib/cluster/keys';
import type { CommandConnection } from '#lib/cluster/redis';
import { log } from '#lib/telemetry/log';
import { DAY_SECONDS, SECOND_MS } from '#lib/units';
import { cancelledBySchema } from '#lib/wire/chat-queue';

/** An instance looks this often by itself, whatever hints it gets. */
const LOOK_INTERVAL_MS = SECOND_MS;
/** Changes that the stream keeps. An instance that has missed more reads everything again. */
const MAX_STREAM = 1_000;
/** Changes that wait while Redis is away, about 2 MB. */
const MAX_UNSENT = 10_000;
/** Changes of one command. */
const BATCH = 100;

const seconds = z.number().int().nonnegative();
const VALUES = ['responses', 'conversations', 'storedResponses'] as const;
const changeSchema: z.ZodType<SharedChange> = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('sign-out'), keyId: z.string(), id: z.string(), endedAt: seconds, expiry: seconds }),
  z.object({ kind: z.literal('identity'), of: z.enum(['person', 'key', 'group', 'session']), id: z.string() }),
  z.object({ kind: z.literal('lock-out'), callers: z.array(z.string()) }),
  z.object({ kind: z.literal('settings') }),
  z.object({ kind: z.literal('limits') }),
  z.object({ kind: z.literal('clear'), values: z.enum(VALUES), generation: z.number().int() }),
  z.object({ kind: z.literal('cancel'), run: z.string(), ticket: z.string(), by: cancelledBySchema }),
  z.object({ kind: z.literal('drop'), key: z.string() }),
  z.object({ kind: z.literal('models'), server: z.string() }),
  z.object({ kind: z.literal('unreached'), server: z.string() }),
  z.object({ kind: z.literal('delete-response'), caller: z.string(), id: z.string() }),
]);
const entrySchema = z.object({ from: z.string(), change: changeSchema.nullable() });

export interface ChangeLogOptions {
  readonly instanceId: string;
  readonly connection: CommandConnection;
  readonly keys: RedisKeys;
  /** Applies a change of another instance. Must not throw. */
  readonly apply: (change: SharedChange) => void;
  /** Changes may have been missed: reads everything again. Must not reject. */
  readonly resync: () => Promise<void>;
  /** Called once a second while Redis is there: does what was left to be done. Must not throw. */
  readonly catchUp: () => void;
  readonly clock?: Clock;
}

/**
 * Changes, in a stream that every instance reads from where it was. A hint over publish/subscribe
 * only says that there is something to read: without any, each instance looks once a second. A
 * change that cannot be sent is kept until Redis is back.
 */
export class ChangeLog {
  readonly #options: ChangeLogOptions;
  readonly #clock: Clock;
  readonly #unsent: SharedChange[] = [];
  /** Of the last entry that was read. Undefined if entries may have been missed. */
  #lastId: string | undefined;
  #looking: Promise<void> | undefined;
  #isLookWanted = false;
  #isSending = false;
  #isClosed = false;
  #cancel: (() => void) | undefined;

  constructor(options: ChangeLogOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /** Takes a place in the stream. Changes from here on are applied. */
  async start(): Promise<void> {
    await this.look();
    this.#scheduleLook();
  }

  /** Reports a change to the other instances: now, or when Redis is back. */
  share(change: SharedChange): void {
    if (this.#unsent.length >= MAX_UNSENT) {
      log().warn('more changes than memory holds while Redis is away: other servers miss the oldest');
      this.#unsent.shift();
    }
    this.#unsent.push(change);
    void this.#send();
  }

  /** Reads what is new, now. Never rejects. */
  look(): Promise<void> {
    if (this.#looking === undefined)
      this.#looking = this.#look().finally(() => {
        this.#looking = undefined;
        if (!this.#isLookWanted) return;
        this.#isLookWanted = false;
        void this.look();
      });
    else this.#isLookWanted = true;
    return this.#looking;
  }

  close(): void {
    this.#isClosed = true;
    this.#cancel?.();
  }

  #scheduleLook(): void {
    if (this.#isClosed) return;
    this.#cancel = this.#clock.after(LOOK_INTERVAL_MS, () => {
      if (this.#options.connection.isUsable) this.#options.catchUp();
      void this.#send();
      void this.look().then(() => this.#scheduleLook());
    });
  }

  async #look(): Promise<void> {
    const { connection } = this.#options;
    if (!connection.isUsable || this.#isClosed) return;
    try {
      if (this.#lastId === undefined) await this.#join();
      else await this.#read(this.#lastId);
    } catch {
      // The guard has recorded the failure; the next look goes on from the same entry.
    }
  }

  /** Adds an entry without a change, to know where to read from. */
  async #join(): Promise<void> {
    this.#lastId = (await this.#append([null])) ?? undefined;
    await this.#options.resync();
  }

  async #read(lastId: string): Promise<void> {
    const { connection, keys, instanceId, apply } = this.#options;
    const entries = await connection.client.xrange(keys.changes, lastId, '+', 'COUNT', MAX_STREAM + 1);
    // Trimmed, or Redis came back without it: what was missed is unknown.
    if (entries[0]?.[0] !== lastId) {
      await this.#join();
      return;
    }
    for (const [id, fields] of entries.slice(1)) {
      this.#lastId = id;
      const entry = parseEntry(fields[1]);
      if (entry?.change != null && entry.from !== instanceId) apply(entry.change);
    }
    if (entries.length > MAX_STREAM) this.#isLookWanted = true;
  }

  async #send(): Promise<void> {
    if (this.#isSending) return;
    this.#isSending = true;
    try {
      while (this.#unsent.length > 0 && this.#options.connection.isUsable) {
        const batch = this.#unsent.slice(0, BATCH);
        await this.#append(batch);
        this.#unsent.splice(0, batch.length);
      }
    } catch {
      // They stay, and are sent with the next look. An entry that is there twice does no harm.
    }
    this.#isSending = false;
  }

  /** Returns the id of the last entry. */
  async #append(changes: readonly (SharedChange | null)[]): Promise<string | null> {
    const { connection, keys, instanceId } = this.#options;
    const commands = connection.client.multi();
    for (const change of changes)
      commands.xadd(keys.changes, 'MAXLEN', '~', MAX_STREAM, '*', 'e', JSON.stringify({ from: instanceId, change }));
    commands.expire(keys.changes, DAY_SECONDS);
    if (changes.some((change) => change !== null)) commands.publish(keys.hints, instanceId);
    const replies = (await commands.exec()) ?? [];
    for (const [error] of replies) if (error !== null) throw error;
    const last = replies[changes.length - 1]?.[1];
    return typeof last === 'string' ? last : null;
  }
}

function parseEntry(text: string | undefined): z.infer<typeof entrySchema> | undefined {
  try {
    // Changes of another version have no effect here.
    return entrySchema.safeParse(JSON.parse(text ?? '')).data;
  } catch {
    return undefined;
  }
}
