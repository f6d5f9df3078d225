import { z } from 'zod';
import type { PackedJson } from '#lib/chat/cache/packed-json';
import { type BodyFormat, OwnTemplate } from '#lib/chat/cache/response-cache';
import {
  completedState,
  requestIdOf,
  responseJson,
  responseObject,
  responsesFieldName,
  unfinishedState,
} from '#lib/chat/formats/responses';
import { type ReturnedParameters, returnedParameters } from '#lib/chat/formats/responses-request';
import { type ResponsesStreamOptions, responsesStreamEncoder } from '#lib/chat/formats/responses-stream';
import { type ResponsesToolNames, toolNamesOf } from '#lib/chat/formats/responses-tools';
import type { StreamEncoder } from '#lib/chat/formats/stream-encoder';
import type { AcceptedRequest } from '#lib/chat/generation/accepted-request';
import type { CompletedResponse } from '#lib/chat/generation/completed-response';
import type { ReadableRequest, RequestView } from '#lib/chat/generation/request-view';
import { type ApiAdapter, wholeStream } from '#lib/chat/http/api-adapter';
import { EVENT_STREAM_HEADERS } from '#lib/chat/http/chat-replies';
import {
  finishedState,
  finishStored,
  isReadableRequest,
  namesOf,
  settledResponse,
  storedResponses,
} from '#lib/chat/http/responses-state';
import { packShared } from '#lib/chat/http/shared-parameters';
import type { Settlement } from '#lib/chat/settlement';
import { ownerOf } from '#lib/http/principal';
import { KIB } from '#lib/units';
import type { ConversationItem, ResponsesRequest } from '#lib/wire/responses-request';

/** A larger adapter is not kept for requests with the same body. */
const MAX_KEPT_BYTES = 64 * KIB;
/** Memory of an adapter with a template, without the request's parameters, as measured on V8. */
const JSON_TEMPLATE_BYTES = 2_500;
const STREAM_TEMPLATE_BYTES = 5_000;
/** How often a stream has the parameters. */
const PARAMETERS_PER_STREAM = 3;

interface AdapterInit {
  readonly parameters: ReturnedParameters;
  readonly names: ResponsesToolNames;
  readonly previous: string | undefined;
  /** Undefined if the response is not stored. */
  readonly items: readonly ConversationItem[] | undefined;
  readonly isStream: boolean;
}

/** Checks the shape alone; the tools are parsed where they are used. */
const savedShape = z.object({
  parameters: z.looseObject({ tools: z.array(z.unknown()) }),
  previous: z.string().nullable(),
  items: z.array(z.looseObject({ type: z.string() })).nullable(),
});

/** Stores the response of a background request again that was accepted before a restart. */
export function restoreResponse(pending: AcceptedRequest, data: Uint8Array): void {
  ResponsesAdapter.fromSaved(data).accepted(pending);
}

/**
 * The format of one request's response: it repeats the parameters of the request, and stores the
 * response unless the request says otherwise. Retains neither the body nor the messages.
 */
export class ResponsesAdapter implements ApiAdapter {
  readonly streamHeaders = EVENT_STREAM_HEADERS;
  readonly readsCache = 'sdk';
  readonly cachedJson: BodyFormat;
  readonly cachedStream: BodyFormat;
  readonly #parameters: PackedJson<ReturnedParameters>;
  readonly #names: ResponsesToolNames;
  readonly #previous: string | undefined;
  readonly #templateBytes: number;
  /** Undefined if the response is not stored. */
  #items: PackedJson<readonly ConversationItem[]> | undefined;

  /** `added` are the items that the request adds to its conversation. */
  static of(input: ResponsesRequest, added: readonly ConversationItem[]): ResponsesAdapter {
    const { previous_response_id: previous, store, stream } = input;
    return new ResponsesAdapter({
      parameters: returnedParameters(input),
      names: toolNamesOf(input.tools),
      previous: previous === undefined ? undefined : requestIdOf(previous),
      items: store === false ? undefined : added,
      isStream: stream === true,
    });
  }

  private constructor({ parameters, names, previous, items, isStream }: AdapterInit) {
    this.#parameters = packShared(parameters);
    this.#names = names;
    this.#previous = previous;
    this.#templateBytes = isStream
      ? STREAM_TEMPLATE_BYTES + PARAMETERS_PER_STREAM * this.#parameters.bytes
      : JSON_TEMPLATE_BYTES + this.#parameters.bytes;
    this.#items = items && packShared(items, MAX_KEPT_BYTES);
    this.cachedJson = {
      ownTemplate: new OwnTemplate(),
      render: (request, response) =>
        responseJson(request, this.#parameters.json, completedState(request, response, this.#names)),
    };
    this.cachedStream = {
      ownTemplate: new OwnTemplate(),
      render: (request, response) => wholeStream(responsesStreamEncoder(request, this.#stream), response),
    };
  }

  get bytes(): number {
    return this.#templateBytes + this.#parameters.bytes + (this.#items?.bytes ?? 0);
  }

  /** Whether it may be kept for requests with the same body. */
  get isSmall(): boolean {
    return this.bytes <= MAX_KEPT_BYTES;
  }

  encoder(request: RequestView): StreamEncoder {
    return responsesStreamEncoder(request, { ...this.#stream, onWaiting: this.#waitingListener(request) });
  }

  /** Begins at once: the response is stored, and a failure is part of it. */
  eagerEncoder(request: RequestView): StreamEncoder {
    const onWaiting = this.#waitingListener(request);
    return responsesStreamEncoder(request, { ...this.#stream, onWaiting, isEager: true });
  }

  body(request: RequestView, response: CompletedResponse): object {
    const state = isReadableRequest(request)
      ? finishedState(request, this.#names)
      : completedState(request, response, this.#names);
    return responseObject(request, this.#parameters.unpack(), state);
  }

  /** The response as far as it has come. */
  current(pending: ReadableRequest): object {
    const { response } = pending;
    if (response !== undefined) return this.body(pending, response);
    const status = pending.state === 'running' ? 'in_progress' : 'queued';
    return responseObject(pending, this.#parameters.unpack(), unfinishedState(status));
  }

  fieldName(field: string): string {
    return responsesFieldName(field);
  }

  /** Stores the response, or what is to become of it. */
  accepted(pending: AcceptedRequest): void {
    const items = this.#items;
    if (items === undefined) return;
    // The store may evict them while the request waits.
    if (!this.isSmall) this.#items = undefined;
    const { id, createdAt, cachedResponse } = pending;
    const caller = ownerOf(pending.caller);
    const stored = {
      id,
      caller,
      // A cached body has the time of its response.
      createdAt: cachedResponse?.createdAt ?? createdAt,
      model: cachedResponse?.model ?? pending.model,
      previous: this.#previous,
      parameters: this.#parameters,
      items,
    };
    storedResponses().add(stored, cachedResponse);
    if (cachedResponse !== undefined) return;
    if (pending.finishedAt === undefined) pending.onDone = finishStored;
    else finishStored(pending);
  }

  settled({ id, caller }: ReadableRequest): Settlement {
    return settledResponse(ownerOf(caller), id);
  }

  /** What `fromSaved` makes an adapter of. */
  toSaved(): Uint8Array {
    const items = this.#items?.json ?? 'null';
    const previous = JSON.stringify(this.#previous ?? null);
    return Buffer.from(`{"parameters":${this.#parameters.json},"previous":${previous},"items":${items}}`);
  }

  /** Throws for bytes that `toSaved` did not write. */
  static fromSaved(data: Uint8Array): ResponsesAdapter {
    const saved: { parameters: ReturnedParameters; items: ConversationItem[] | null } = JSON.parse(
      Buffer.from(data).toString(),
    );
    const { previous, items } = savedShape.parse(saved);
    return new ResponsesAdapter({
      parameters: saved.parameters,
      names: namesOf(saved.parameters),
      previous: previous ?? undefined,
      items: items === null ? undefined : (saved.items ?? []),
      isStream: false,
    });
  }

  get #stream(): ResponsesStreamOptions {
    return { parameters: () => this.#parameters.json, names: this.#names };
  }

  #waitingListener({ id, caller }: RequestView): (() => void) | undefined {
    return caller === undefined ? undefined : () => storedResponses().setWaited(ownerOf(caller), id);
  }
}
