import { z } from 'zod';
import type { IdempotentRequest, SharedIdempotency } from '#lib/cluster/cluster';
import type { Heartbeats } from '#lib/cluster/heartbeat';
import type { RedisKeys } from '#lib/cluster/keys';
import type { CommandConnection } from '#lib/cluster/redis';
import { MAX_SHARED_BYTES } from '#lib/cluster/shared-values';

/** Tries to take over a key whose server has ended. */
const MAX_TAKE_OVERS = 3;

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

  constructor(options: SharedIdempotencyOptions) {
    this.#options = options;
  }

  async claim(name: string, fingerprint: string): Promise<IdempotentRequest | undefined> {
    const { connection, instanceId, keys, heartbeats } = this.#options;
    const key = keys.idempotent(name);
    try {
      for (let attempt = 0; attempt < MAX_TAKE_OVERS && connection.isUsable; attempt++) {
        const stored = await connection.client.set(
          key,
          this.#encode(fingerprint, ''),
          'PX',
          this.#options.ttlMs,
          'NX',
          'GET',
        );
        const request = stored === null ? undefined : parse(stored);
        if (request?.response !== undefined) return request;
        // Ours of before, which memory does not have any more.
        if (request === undefined || request.instance === instanceId) {
          if (stored !== null)
            await connection.client.set(key, this.#encode(fingerprint, ''), 'PX', this.#options.ttlMs);
          return undefined;
        }
        if (await heartbeats.isAlive(request.instance)) return request;
        if (request.id !== '') return { ...request, isLost: true };
        await connection.client.del(key);
      }
    } catch {
      // The guard has recorded the failure: this server alone keeps the key.
    }
    return undefined;
  }

  accept(name: string, fingerprint: string, id: string): void {
    this.#set(name, this.#encode(fingerprint, id));
  }

  complete(name: string, fingerprint: string, id: string, response: Uint8Array): void {
    if (response.byteLength > MAX_SHARED_BYTES) this.release(name);
    else this.#set(name, this.#encode(fingerprint, id, response));
  }

  release(name: string): void {
    const { connection, keys } = this.#options;
    if (connection.isUsable) connection.client.del(keys.idempotent(name)).catch(ignore);
  }

  #set(name: string, value: string): void {
    const { connection, keys, ttlMs } = this.#options;
    if (connection.isUsable) connection.client.set(keys.idempotent(name), value, 'PX', ttlMs).catch(ignore);
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

/** The guard has recorded the failure: other servers do not know the request then. */
function ignore(): void {}
