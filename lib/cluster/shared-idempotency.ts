import { z } from 'zod';
import type { IdempotentRequest, SharedIdempotency } from '#lib/cluster/cluster';
import type { Heartbeats } from '#lib/cluster/heartbeat';
import type { RedisKeys } from '#lib/cluster/keys';
import type { CommandConnection } from '#lib/cluster/redis';
import { MAX_SHARED_BYTES } from '#lib/cluster/shared-values';
import { UnconfirmedWrites, type WriteAttempt } from '#lib/cluster/unconfirmed-writes';
import { SECOND_MS } from '#lib/units';

/** For so long, no second server takes a key from the same request of one that has ended. */
const TAKE_OVER_MS = 10 * SECOND_MS;

const requestSchema = z.object({
  fingerprint: z.string(),
  instance: z.string(),
  id: z.string(),
  response: z.base64().optional(),
});

export interface SharedIdempotencyOptions {
  readonly instanceId: string;
  readonly connection: CommandConnection;
  readonly keys: RedisKeys;
  readonly heartbeats: Pick<Heartbeats, 'isAlive'>;
  readonly ttlMs: number;
}

/** Idempotency keys in Redis, each with the server that has its request. */
export class RedisIdempotency implements SharedIdempotency {
  readonly #options: SharedIdempotencyOptions;
  /** By the names of keys; null frees a key. */
  readonly #writes: UnconfirmedWrites<string | null>;

  constructor(options: SharedIdempotencyOptions) {
    this.#options = options;
    this.#writes = new UnconfirmedWrites({
      what: 'idempotency keys',
      canWrite: () => options.connection.isUsable,
      write: (name, value, attempt) => this.#write(name, value, attempt),
      bytesOf: (value) => value?.length ?? 0,
    });
  }

  /** Writes what Redis did not take. Never throws. */
  catchUp(): void {
    if (this.#writes.size > 0) void this.#writes.retry();
  }

  async claim(name: string, fingerprint: string): Promise<IdempotentRequest | undefined> {
    const { connection, instanceId, keys, heartbeats } = this.#options;
    const key = keys.idempotent(name);
    try {
      if (!connection.isUsable) return undefined;
      const claim = this.#encode(fingerprint, '');
      const stored = await connection.client.set(key, claim, 'PX', this.#options.ttlMs, 'NX', 'GET');
      const request = stored === null ? undefined : parse(stored);
      if (request?.response !== undefined) return request;
      const isOwn = request?.instance === instanceId;
      if (request === undefined || (isOwn && request.id === '')) {
        if (stored !== null) await connection.client.set(key, claim, 'PX', this.#options.ttlMs);
        return undefined;
      }
      // Memory does not have it any more, but another server may: it was begun again there.
      if (isOwn) return { ...request, isLost: true };
      if (await heartbeats.isAlive(request.instance)) return request;
      if (request.id !== '') return { ...request, isLost: true };
      return (await this.takeOver(name, fingerprint, request)) ? undefined : request;
    } catch {
      // The guard has recorded the failure: this server alone keeps the key.
      return undefined;
    }
  }

  async takeOver(name: string, fingerprint: string, { instance, id }: IdempotentRequest): Promise<boolean> {
    const { connection, instanceId, keys, ttlMs } = this.#options;
    try {
      // Of several that find it lost, one replaces it: another would remove what that has claimed.
      const turn = keys.takeOver(name, `${instance}:${id}`);
      if ((await connection.client.set(turn, instanceId, 'PX', TAKE_OVER_MS, 'NX')) === null) return false;
      await connection.client.set(keys.idempotent(name), this.#encode(fingerprint, ''), 'PX', ttlMs);
      return true;
    } catch {
      // The guard has recorded the failure: it is tried again, or this server alone keeps the key.
      return false;
    }
  }

  accept(name: string, fingerprint: string, id: string): void {
    void this.#writes.send(name, this.#encode(fingerprint, id));
  }

  complete(name: string, fingerprint: string, id: string, response: Uint8Array): void {
    if (response.byteLength > MAX_SHARED_BYTES) this.release(name);
    else void this.#writes.send(name, this.#encode(fingerprint, id, response));
  }

  release(name: string): void {
    void this.#writes.send(name, null);
  }

  settled(name: string): Promise<boolean> | undefined {
    return this.#writes.settled(name);
  }

  /** Sends it in this turn. Rejects if Redis does. */
  async #write(name: string, value: string | null, { isLate, isCurrent }: WriteAttempt): Promise<void> {
    const { connection, keys, ttlMs, instanceId } = this.#options;
    const key = keys.idempotent(name);
    if (isLate) {
      // Another server may have claimed the key meanwhile.
      const stored = await connection.client.get(key);
      const owner = stored === null ? instanceId : parse(stored)?.instance;
      if (owner !== instanceId || !isCurrent()) return;
    }
    if (value === null) await connection.client.del(key);
    else await connection.client.set(key, value, 'PX', ttlMs);
  }

  #encode(fingerprint: string, id: string, response?: Uint8Array): string {
    const { instanceId: instance } = this.#options;
    return JSON.stringify({
      fingerprint,
      instance,
      id,
      ...(response === undefined ? {} : { response: Buffer.from(response).toString('base64') }),
    });
  }
}

function parse(text: string): IdempotentRequest | undefined {
  try {
    const { data } = requestSchema.safeParse(JSON.parse(text));
    if (data === undefined) return undefined;
    const { response, ...request } = data;
    return response === undefined ? request : { ...request, response: Buffer.from(response, 'base64') };
  } catch {
    return undefined;
  }
}
