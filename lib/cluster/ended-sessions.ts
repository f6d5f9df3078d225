import { z } from 'zod';
import type { SharedChange } from '#lib/cluster/cluster';
import type { RedisKeys } from '#lib/cluster/keys';
import type { CommandConnection } from '#lib/cluster/redis';
import { SECOND_MS } from '#lib/units';

type SignOut = Extract<SharedChange, { kind: 'sign-out' }>;

/** Sessions that are read in one command. */
const PAGE = 5_000;
/** Longer than a session is valid. */
const TTL_SECONDS = 32 * 24 * 60 * 60;

const seconds = z.number().int().nonnegative();
const signOutSchema = z.object({ keyId: z.string(), id: z.string(), endedAt: seconds, expiry: seconds });

/** The sessions that were signed out, in Redis: for servers that start without their database. */
export class EndedSessions {
  readonly #connection: CommandConnection;
  readonly #keys: RedisKeys;
  /** What Redis did not take. Small: the change that goes with each is bounded, too. */
  readonly #unsaved = new Set<SignOut>();

  constructor(connection: CommandConnection, keys: RedisKeys) {
    this.#connection = connection;
    this.#keys = keys;
  }

  add(session: SignOut): void {
    if (this.#unsaved.size < PAGE) this.#unsaved.add(session);
    void this.#save();
  }

  /** Saves what Redis did not take. Never throws. */
  catchUp(): void {
    void this.#save();
  }

  /** Every session that is not expired, page by page. Empty if Redis is away; never rejects. */
  async all(): Promise<SignOut[]> {
    await this.#save();
    const found: SignOut[] = [];
    try {
      const nowSeconds = Math.floor(this.#connection.now() / SECOND_MS);
      for (;;) {
        const page = await this.#connection.client.zrangebyscore(
          this.#keys.endedSessions,
          nowSeconds,
          '+inf',
          'LIMIT',
          found.length,
          PAGE,
        );
        for (const text of page) found.push({ kind: 'sign-out', ...signOutSchema.parse(JSON.parse(text)) });
        if (page.length < PAGE) return found;
      }
    } catch {
      // The guard has recorded the failure; what the database has is loaded by itself.
      return found;
    }
  }

  async #save(): Promise<void> {
    if (this.#unsaved.size === 0 || !this.#connection.isUsable) return;
    const sessions = [...this.#unsaved];
    const { endedSessions } = this.#keys;
    try {
      const commands = this.#connection.client.multi();
      for (const { keyId, id, endedAt, expiry } of sessions)
        commands.zadd(endedSessions, expiry, JSON.stringify({ keyId, id, endedAt, expiry }));
      commands.zremrangebyscore(endedSessions, '-inf', Math.floor(this.#connection.now() / SECOND_MS) - 1);
      commands.expire(endedSessions, TTL_SECONDS);
      const replies = (await commands.exec()) ?? [];
      for (const [error] of replies) if (error !== null) throw error;
      for (const session of sessions) this.#unsaved.delete(session);
    } catch {
      // The guard has recorded the failure; they are saved with the next one, or once it is back.
    }
  }
}
