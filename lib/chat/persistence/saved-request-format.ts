import { z } from 'zod';
import { CANCELLATIONS, LOCKED_OUT } from '#lib/chat/generation/cancellation';
import type { CompletedResponse } from '#lib/chat/generation/completed-response';
import { joinBuffers, PackedRequest, splitBuffers } from '#lib/chat/generation/packed-request';
import type { ConversationTurn, PendingRequest } from '#lib/chat/generation/pending-request';
import { decodeResponse, encodeResponse } from '#lib/chat/persistence/stored-response';
import type { Submitter } from '#lib/chat/submitter';
import { AppError } from '#lib/errors';
import { type Principal, ROLES, SCOPES } from '#lib/http/principal';
import { KIB } from '#lib/units';
import { type ChatRequest, cacheHeaderSchema, cacheModeSchema } from '#lib/wire/chat';
import { ERROR_CODES, errorDataSchema } from '#lib/wire/error';

/** Of everything below. A request of another format is not run again. */
export const REQUEST_FORMAT = 1;

/** One row of a part: a statement with it takes about a millisecond. */
const PIECE_BYTES = 256 * KIB;

/** Splits bytes into the rows of a part. Empty bytes are one row. */
export function piecesOf(bytes: Uint8Array): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let from = 0; from === 0 || from < bytes.byteLength; from += PIECE_BYTES)
    pieces.push(bytes.subarray(from, from + PIECE_BYTES));
  return pieces;
}

/** The JSON and the decoded images of a request, each after its length. */
export function encodeRequest(request: ChatRequest): Uint8Array {
  return joinBuffers(new PackedRequest(request).buffers);
}

const requestShape = z.looseObject({
  messages: z.array(z.looseObject({ role: z.string(), content: z.string() })),
  priority: z.number(),
  use_cache: z.boolean(),
  options: z.record(z.string(), z.unknown()),
});

/** Throws for bytes that `encodeRequest` did not write. */
export function decodeRequest(bytes: Uint8Array): ChatRequest {
  const request = new PackedRequest<ChatRequest>(splitBuffers(bytes)).unpack();
  requestShape.parse(request);
  return request;
}

const principalSchema = z
  .object({
    caller: z.string(),
    role: z.enum(ROLES),
    scopes: z.array(z.enum(SCOPES)),
    userId: z.string().optional(),
    keyId: z.string().optional(),
    groupId: z.string().optional(),
    groupName: z.string().optional(),
    name: z.string().optional(),
    email: z.string().optional(),
    models: z.array(z.string()).optional(),
    maxPriority: z.number(),
    trustsEndUser: z.boolean().optional(),
  })
  .transform(({ scopes, models, ...rest }): Principal => {
    const lists = { scopes: new Set(scopes), ...(models === undefined ? {} : { models: new Set(models) }) };
    return Object.assign(lists, withoutUndefined(rest));
  });

const submitterSchema = z.object({
  principal: principalSchema.optional(),
  readsCache: z.enum(['pages', 'sdk']).optional(),
  cacheMode: cacheModeSchema.optional(),
  cacheControl: z
    .object({
      noCache: z.boolean(),
      noStore: z.boolean(),
      maxAgeMs: z.number().optional(),
      onlyIfCached: z.boolean(),
    })
    .transform((control) => ({ ...control, maxAgeMs: control.maxAgeMs, onlyIfCached: false }))
    .optional(),
  dropParams: z.boolean().optional(),
  bodyBytes: z.number().optional(),
});

/** The wishes of a request's headers, and who sent it, as JSON. */
export function encodeSubmitter(submitter: Submitter): string {
  const { readsCache, cacheMode, cacheControl, dropParams, bodyBytes, principal } = submitter;
  const whose = principal && {
    ...principal,
    scopes: [...principal.scopes],
    models: principal.models && [...principal.models],
  };
  return JSON.stringify({ readsCache, cacheMode, cacheControl, dropParams, bodyBytes, principal: whose });
}

/** A request that is accepted is generated, also if its cached response has expired. */
export function decodeSubmitter(json: string, caller: string): Submitter {
  return { caller, ...submitterSchema.parse(JSON.parse(json)) };
}

/** The members with a value: an absent one is not the same as an undefined one. */
function withoutUndefined<T extends object>(value: T): { [Name in keyof T]: Exclude<T[Name], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as {
    [Name in keyof T]: Exclude<T[Name], undefined>;
  };
}

const resultSchema = z.object({
  model: z.string(),
  cached: z.boolean(),
  cacheStatus: cacheHeaderSchema,
  ignoredFields: z.array(z.string()),
  droppedFields: z.array(z.string()),
  startedAt: z.number().optional(),
  firstTokenAt: z.number().optional(),
  finishedAt: z.number(),
  /** The number of the last event that a reader could get. */
  lastEvent: z.number(),
  conversation: z.object({ id: z.string(), state: z.enum(['new', 'continued']), addedMessages: z.number() }).optional(),
  error: z.object({ code: z.enum(ERROR_CODES), message: z.string(), data: errorDataSchema.optional() }).optional(),
  responseBytes: z.number(),
});

/** What a request ended with. */
export interface StoredResult extends Omit<z.output<typeof resultSchema>, 'error' | 'responseBytes' | 'conversation'> {
  readonly conversation: ConversationTurn | undefined;
  readonly error: AppError | undefined;
  readonly response: CompletedResponse | undefined;
}

/** JSON with the figures of a finished request, a line feed, then its response as JSON. */
export function encodeResult(request: PendingRequest): Uint8Array {
  const { generation, error, finishedAt = 0, saved } = request;
  const response =
    error === undefined && generation.response !== undefined ? encodeResponse(generation.response) : undefined;
  const head: z.input<typeof resultSchema> = {
    model: generation.model,
    cached: generation.cached,
    cacheStatus: request.cacheStatus,
    ignoredFields: [...request.ignoredFields],
    droppedFields: [...request.droppedFields],
    startedAt: generation.startedAt,
    firstTokenAt: generation.firstTokenAt,
    finishedAt,
    lastEvent: (saved?.eventOffset ?? 0) + generation.log.lastNumber,
    conversation: request.conversation,
    error: error && { code: error.code, message: error.message, data: error.data },
    responseBytes: response?.byteLength ?? 0,
  };
  return Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), response ?? Buffer.alloc(0)]);
}

/** Throws for bytes that `encodeResult` did not write. */
export function decodeResult(bytes: Uint8Array): StoredResult {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = all.indexOf('\n');
  const { error, responseBytes, ...head } = resultSchema.parse(JSON.parse(all.subarray(0, end).toString()));
  const text = all.subarray(end + 1);
  const response = responseBytes === 0 || text.byteLength !== responseBytes ? undefined : decodeResponse(text);
  if (response === undefined && error === undefined) throw new Error('the stored result is cut');
  return { ...head, conversation: head.conversation, response, error: error && errorOf(error) };
}

/** The error as it was; those of cancelled requests are shared instances. */
export function errorOf({
  code,
  message,
  data,
  retryAfterSeconds,
  operatorMessage,
}: Pick<AppError, 'code' | 'message'> &
  Partial<Pick<AppError, 'data' | 'retryAfterSeconds' | 'operatorMessage'>>): AppError {
  if (code === 'cancelled')
    for (const shared of [...Object.values(CANCELLATIONS), LOCKED_OUT]) if (shared.message === message) return shared;
  return new AppError(code, message, {
    ...(data === undefined ? {} : { data }),
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    operatorMessage,
  });
}
