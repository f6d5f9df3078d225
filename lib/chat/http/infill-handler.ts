import { OwnTemplate } from '#lib/chat/cache/response-cache';
import { emptyInfillResponse, fromInfill, infillResponse, infillStreamEncoder } from '#lib/chat/formats/infill';
import { type ApiAdapter, apiAdapter, submitThrough } from '#lib/chat/http/api-adapter';
import { parseChatBody, readChatBody } from '#lib/chat/http/chat-body';
import { EVENT_STREAM_HEADERS } from '#lib/chat/http/chat-replies';
import { parseBody, parseOnce } from '#lib/http/body';
import type { HttpRequest } from '#lib/http/http-request';
import { ignoredFieldsHeader, unknownFields } from '#lib/http/ignored-fields';
import { json, type Reply } from '#lib/http/reply';
import type { RequestContext } from '#lib/http/route';
import { type InfillRequest, infillRequestSchema } from '#lib/wire/infill';

const FIELDS = Object.keys(infillRequestSchema.shape);

/** POST /v1/infill, llama.cpp's /infill. */
export async function handleInfill(request: HttpRequest, context: RequestContext): Promise<Reply> {
  return respond(parseOnce(await readChatBody(request), parse), request, context);
}

interface InfillBody {
  readonly input: InfillRequest;
  /** Fields of the body that have no meaning here. */
  readonly unknown: readonly string[];
}

function parse(bytes: Uint8Array): InfillBody {
  const body = parseChatBody(bytes);
  const input = parseBody(infillRequestSchema, body);
  return { input, unknown: unknownFields(body, input, FIELDS) };
}

/** Not async: an async function would retain the input for as long as the request waits. */
function respond({ input, unknown }: InfillBody, request: HttpRequest, context: RequestContext): Promise<Reply> {
  const { response_fields: fields, model } = input;
  if (input.n_predict === 0)
    return Promise.resolve(json(emptyInfillResponse(model, fields), 200, ignoredFieldsHeader(unknown)));
  return submitThrough(infillApi(fields), { chat: fromInfill(input), unknownFields: unknown }, request, context);
}

/** A new one for each request: its fields are the client's choice. */
function infillApi(fields: readonly string[] | undefined): ApiAdapter {
  const api = apiAdapter({
    streamHeaders: EVENT_STREAM_HEADERS,
    encoder: (pending) => infillStreamEncoder(pending, fields),
    body: (pending, response) => infillResponse(pending, response, fields),
  });
  return {
    ...api,
    cachedJson: { ...api.cachedJson, ownTemplate: new OwnTemplate() },
    cachedStream: { ...api.cachedStream, ownTemplate: new OwnTemplate() },
  };
}
