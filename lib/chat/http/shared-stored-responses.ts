import { z } from 'zod';
import { PackedJson } from '#lib/chat/cache/packed-json';
import type { SharedResponses, StoredResponse } from '#lib/chat/cache/stored-responses';
import type { Clock } from '#lib/chat/clock';
import type { ResponsesState } from '#lib/chat/formats/responses';
import type { ReturnedParameters } from '#lib/chat/formats/responses-request';
import { packShared } from '#lib/chat/http/shared-parameters';
import type { Settlement } from '#lib/chat/settlement';
import { type SharedValues, shareChange } from '#lib/cluster/cluster';
import type { ConversationItem } from '#lib/wire/responses-request';

/** How often a used value is renewed within its time to live. */
const RENEWALS = 4;

/** A value that `encodeResponse` wrote. Its shape alone is checked: parts are parsed where used. */
const written = <T>(shape: z.ZodType) => z.custom<T>((value) => shape.safeParse(value).success);

const valueShape = z.object({
  createdAt: z.number(),
  model: z.string(),
  previous: z.string().nullable(),
  hasWaited: z.boolean(),
  parameters: written<ReturnedParameters>(z.looseObject({ tools: z.array(z.unknown()) })),
  items: written<readonly ConversationItem[]>(z.array(z.looseObject({ type: z.string() }))),
  result: written<ResponsesState>(z.looseObject({ status: z.string(), output: z.array(z.unknown()) })).nullable(),
});

export interface ResponseSharingOptions {
  readonly values: SharedValues;
  readonly clock: Clock;
  readonly ttlMs: number;
  /** The state of a finished response. */
  readonly stateOf: (stored: StoredResponse) => ResponsesState;
}

/** The stored responses of all servers, as values of Redis. */
export class ResponseSharing implements SharedResponses {
  readonly #options: ResponseSharingOptions;

  constructor(options: ResponseSharingOptions) {
    this.#options = options;
  }

  /** Whether responses of other servers may be found. */
  get isUsable(): boolean {
    return this.#options.values.isUsable;
  }

  write(stored: StoredResponse, current: () => StoredResponse | undefined): void {
    const { values, clock, stateOf } = this.#options;
    const now = clock.now();
    stored.sharedAt = now;
    values.write(keyOf(stored.caller, stored.id), now, () => {
      const latest = current();
      return latest && encodeResponse(latest, stateOf);
    });
  }

  /** See `SharedValues.settled`. */
  settled(caller: string, id: string): Settlement {
    return this.#options.values.settled(keyOf(caller, id));
  }

  renew(stored: StoredResponse): void {
    const { values, clock, ttlMs } = this.#options;
    const now = clock.now();
    if (now - (stored.sharedAt ?? 0) < ttlMs / RENEWALS) return;
    stored.sharedAt = now;
    values.renew(keyOf(stored.caller, stored.id));
  }

  remove(caller: string, id: string): void {
    this.#options.values.remove(keyOf(caller, id));
  }

  reportRemoval(caller: string, id: string): void {
    shareChange({ kind: 'delete-response', caller, id });
  }

  /** Never rejects. */
  async read(caller: string, id: string): Promise<StoredResponse | undefined> {
    const value = await this.#options.values.read(keyOf(caller, id));
    return value && decodeResponse(value.bytes, { caller, id });
  }
}

function encodeResponse(stored: StoredResponse, stateOf: (stored: StoredResponse) => ResponsesState): Uint8Array {
  const { createdAt, model, previous = null, hasWaited, parameters, items, result } = stored;
  const head = JSON.stringify({ createdAt, model, previous, hasWaited });
  const state = result === undefined ? 'null' : JSON.stringify(stateOf(stored));
  return Buffer.from(`${head.slice(0, -1)},"parameters":${parameters.json},"items":${items.json},"result":${state}}`);
}

/** Undefined for a value of another version. */
function decodeResponse(bytes: Uint8Array, of: { caller: string; id: string }): StoredResponse | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString());
    const { parameters, items, result, previous, ...rest } = valueShape.parse(value);
    return {
      ...of,
      ...rest,
      previous: previous ?? undefined,
      parameters: packShared(parameters),
      items: new PackedJson(items),
      result: result === null ? undefined : new PackedJson(result),
    };
  } catch {
    return undefined;
  }
}

function keyOf(caller: string, id: string): string {
  return JSON.stringify([caller, id]);
}
