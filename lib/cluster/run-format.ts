import { z } from 'zod';
import { ABANDONED } from '#lib/chat/generation/cancellation';
import type { FinalEvent, Generation } from '#lib/chat/generation/generation';
import type { LogEvent } from '#lib/chat/generation/generation-log';
import type { TurnElsewhere } from '#lib/chat/generation/generation-types';
import { joinBuffers, PackedRequest, splitBuffers } from '#lib/chat/generation/packed-request';
import type { PendingRequest } from '#lib/chat/generation/pending-request';
import { errorOf } from '#lib/chat/persistence/saved-request-format';
import type { AppError } from '#lib/errors';
import { member, type Principal, ROLES } from '#lib/http/principal';
import type { RouteTarget } from '#lib/models/model-route';
import type { ModelServer } from '#lib/models/model-server';
import type { ModelRequest } from '#lib/models/provider';
import { cacheHeaderSchema, tokenLogprobSchema, tokenUsageSchema } from '#lib/wire/chat';
import { cancelledBySchema } from '#lib/wire/chat-queue';
import { ERROR_CODES, errorDataSchema } from '#lib/wire/error';

/**
 * How runs, tickets and events are written in Redis. Every reader is lenient: fields of another
 * version are ignored, and what cannot be read is as if it were not there.
 */

/** The first entry of each attempt. It has no number. */
export interface StartedEvent {
  readonly type: 'started';
  /** `ModelServer.id`. */
  readonly server: string;
  /** The model with which it starts. Entries say another one that it goes on with. */
  readonly model: string;
}

/** What the entries of a log hold. */
export type EntryEvent = StartedEvent | LogEvent;

const errorSchema = z
  .object({
    code: z.enum(ERROR_CODES),
    message: z.string(),
    data: errorDataSchema.optional(),
    retryAfterSeconds: z.number().optional(),
    operatorMessage: z.string().optional(),
  })
  .transform((error): AppError => {
    if (error.code === 'cancelled' && error.message === ABANDONED.message) return ABANDONED;
    return errorOf(error);
  });

const eventSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('started'), server: z.string(), model: z.string() }),
  z.object({ type: z.literal('thinking'), text: z.string() }),
  z.object({ type: z.literal('content'), text: z.string() }),
  z.object({
    type: z.literal('tool_calls'),
    tool_calls: z.array(z.looseObject({ function: z.looseObject({ name: z.string(), arguments: z.unknown() }) })),
  }),
  z.object({ type: z.literal('logprobs'), logprobs: z.array(tokenLogprobSchema) }),
  z.object({
    type: z.literal('done'),
    done_reason: z.string(),
    usage: tokenUsageSchema,
    durations: z.record(z.string(), z.number()).optional(),
    context: z.array(z.number()).optional(),
    stop_sequence: z.string().optional(),
  }),
  z.object({ type: z.literal('error'), error: errorSchema }),
]);

/** The id of an entry: the attempt that wrote it, and the number of its last event. */
export interface EntryId {
  readonly attempt: number;
  readonly number: number;
}

export function parseEntryId(id: string): EntryId {
  const [attempt = '', number = ''] = id.split('-');
  return { attempt: Number(attempt), number: Number(number) };
}

export function encodeEvents(events: readonly EntryEvent[]): string {
  return JSON.stringify(events.map((event) => (event.type === 'error' ? plainError(event.error) : event)));
}

function plainError({ code, message, data, retryAfterSeconds, operatorMessage }: AppError) {
  return { type: 'error', error: { code, message, data, retryAfterSeconds, operatorMessage } };
}

/** Undefined for what `encodeEvents` did not write. */
export function decodeEvents(text: string | undefined): EntryEvent[] | undefined {
  try {
    const parsed = z.array(eventSchema).safeParse(JSON.parse(text ?? ''));
    // The calls are used as they were written.
    return parsed.success ? (parsed.data as EntryEvent[]) : undefined;
  } catch {
    return undefined;
  }
}

/** What writes a response, where that is not what its attempt began with. */
export interface OtherSource {
  readonly model?: string | undefined;
  /** `ModelServer.id`. */
  readonly server?: string | undefined;
}

/** The fields of an entry. An older version reads the model only if it comes first. */
export function encodeEntry(events: readonly EntryEvent[], { model, server }: OtherSource = {}): string[] {
  return [
    ...['e', encodeEvents(events)],
    ...(model === undefined ? [] : ['m', model]),
    ...(server === undefined ? [] : ['s', server]),
  ];
}

/** `events` as with `decodeEvents`. */
export function decodeEntry(fields: readonly string[]): { events: EntryEvent[] | undefined } & OtherSource {
  const named = (name: string) => {
    for (let index = 2; index < fields.length; index += 2) if (fields[index] === name) return fields[index + 1];
    return undefined;
  };
  return { events: decodeEvents(fields[1]), model: named('m'), server: named('s') };
}

export function isFinal(event: EntryEvent | undefined): event is FinalEvent {
  return event?.type === 'done' || event?.type === 'error';
}

/** Models with ids of their servers. */
const targetsSchema = z.array(z.object({ model: z.string(), servers: z.array(z.string()) }));

export function encodeTargets(targets: readonly RouteTarget[] | undefined): string {
  if (targets === undefined) return '';
  return JSON.stringify(targets.map(({ model, servers }) => ({ model, servers: servers.map(({ id }) => id) })));
}

/** Servers that this process does not know are left out; undefined if none is left. */
export function decodeTargets(
  text: string | undefined,
  serverOf: (id: string) => ModelServer | undefined,
): RouteTarget[] | undefined {
  if (text === undefined || text === '') return undefined;
  const parsed = targetsSchema.safeParse(parseJson(text));
  const targets = (parsed.data ?? []).flatMap(({ model, servers: ids }) => {
    const servers = ids.flatMap((id) => serverOf(id) ?? []);
    return servers.length === 0 ? [] : [{ model, servers }];
  });
  return targets.length === 0 ? undefined : targets;
}

/** The request of a run; undefined for a generation without one. */
export function encodeModelRequest(generation: Generation): Buffer | undefined {
  const packed = generation.packedRequest;
  return packed === undefined ? undefined : joinBuffers(packed.buffers);
}

const requestShape = z.looseObject({
  model: z.string(),
  messages: z.array(z.looseObject({ role: z.string() })),
  options: z.record(z.string(), z.unknown()),
});

/** Throws for bytes that `encodeModelRequest` did not write. */
export function decodeModelRequest(bytes: Uint8Array): ModelRequest {
  const request = new PackedRequest<ModelRequest>(splitBuffers(bytes)).unpack();
  requestShape.parse(request);
  return request;
}

const sourceSchema = z.object({
  cacheStatus: cacheHeaderSchema,
  ignoredFields: z.array(z.string()),
  droppedFields: z.array(z.string()),
  conversation: z.object({ id: z.string(), state: z.enum(['new', 'continued']), addedMessages: z.number() }).optional(),
});

const ticketSchema = z.object({
  run: z.string().min(1),
  caller: z.string(),
  userId: z.string().optional(),
  groupId: z.string().optional(),
  name: z.string().optional(),
  createdAt: z.coerce.number(),
  detached: z.string().transform((text) => text === '1'),
  source: z.string().transform(parseJson).pipe(sourceSchema),
  cancelledBy: cancelledBySchema.optional().catch(undefined),
  cancelledAt: z.coerce.number().optional(),
});

/** A request of a client as Redis has it. Times are those of Redis. */
export type Ticket = z.output<typeof ticketSchema>;

export function encodeTicket(request: PendingRequest, run: string, createdAt: number): Record<string, string | number> {
  const { caller, principal, detached, cacheStatus, ignoredFields, droppedFields, conversation } = request;
  return {
    run,
    caller,
    ...(principal?.userId === undefined ? {} : { userId: principal.userId }),
    ...(principal?.groupId === undefined ? {} : { groupId: principal.groupId }),
    ...(principal?.name === undefined ? {} : { name: principal.name }),
    createdAt,
    detached: detached ? '1' : '0',
    source: JSON.stringify({ cacheStatus, ignoredFields, droppedFields, conversation }),
  };
}

/** Undefined without one, or for one of another version. */
export function decodeTicket(fields: Record<string, string>): Ticket | undefined {
  return ticketSchema.safeParse(fields).data;
}

const turnsSchema = z.array(
  z.object({ request: z.string().optional(), caller: z.string(), id: z.string(), addedMessages: z.number() }),
);

/** The turns that requests add to conversations; empty without one. */
export function encodeTurns(requests: readonly PendingRequest[]): { turns?: string } {
  const turns: TurnElsewhere[] = requests.flatMap(({ id: request, caller, conversation }) =>
    conversation === undefined
      ? []
      : [{ request, caller, id: conversation.id, addedMessages: conversation.addedMessages }],
  );
  return turns.length === 0 ? {} : { turns: JSON.stringify(turns) };
}

const runSchema = z.object({
  state: z.enum(['queued', 'running', 'completed', 'failed', 'cancelled']),
  lane: z.string(),
  group: z.string(),
  caller: z.string(),
  priority: z.coerce.number(),
  model: z.string(),
  createdAt: z.coerce.number(),
  startedAt: z.coerce.number().optional(),
  firstTokenAt: z.coerce.number().optional(),
  finishedAt: z.coerce.number().optional(),
  key: z.string().default(''),
  flightKey: z.string().default(''),
  isNew: z.string().default('0'),
  cached: z.string().default('0'),
  prefixKey: z.string().default(''),
  targets: z.string().default(''),
  requestBytes: z.coerce.number().default(0),
  turn: z.coerce.number().optional(),
  sortKey: z.coerce.number().optional(),
  attempt: z.coerce.number().default(0),
  owner: z.string().default(''),
  cancelledBy: cancelledBySchema.optional().catch(undefined),
  /** Whose share is used up, by `encodePayer`; empty unless it waits behind others. */
  behind: z.string().default(''),
  turns: z.string().transform(parseJson).pipe(turnsSchema).optional().catch(undefined),
});

/** A run as Redis has it. */
export type StoredRun = z.output<typeof runSchema>;

/** Undefined without one, or for one of another version. */
export function decodeRun(fields: Record<string, string>): StoredRun | undefined {
  return runSchema.safeParse(fields).data;
}

const payerSchema = z.object({
  caller: z.string(),
  role: z.enum(ROLES),
  userId: z.string().optional(),
  keyId: z.string().optional(),
  groupId: z.string().optional(),
});

/** What limits ask of a principal. */
export function encodePayer({ caller, role, userId, keyId, groupId }: Principal): string {
  return JSON.stringify({ caller, role, userId, keyId, groupId });
}

/** Undefined for what `encodePayer` did not write. Without the rights of the principal. */
export function decodePayer(text: string): Principal | undefined {
  const parsed = payerSchema.safeParse(parseJson(text));
  if (!parsed.success) return undefined;
  const { caller, role, userId, keyId, groupId } = parsed.data;
  return member(caller, {
    role,
    ...(userId === undefined ? {} : { userId }),
    ...(keyId === undefined ? {} : { keyId }),
    ...(groupId === undefined ? {} : { groupId }),
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
