import { chatEngine } from '#lib/chat/engine-singleton';
import { emptyInfillResponse, fromInfill, infillResponse, infillStreamEncoder } from '#lib/chat/formats/infill';
import { apiAdapter, reply } from '#lib/chat/http/api-adapter';
import { parseChatBody, readChatBody } from '#lib/chat/http/chat-body';
import { EVENT_STREAM_HEADERS } from '#lib/chat/http/chat-replies';
import { logRejection, submitterOf } from '#lib/chat/http/submitter';
import { parseBody, parseOnce } from '#lib/http/body';
import type { HttpRequest } from '#lib/http/http-request';
import { ignoredFieldsHeader, unknownFields } from '#lib/http/ignored-fields';
import { json, type Reply } from '#lib/http/reply';
import type { RequestContext } from '#lib/http/route';
import { type InfillRequest, infillRequestSchema } from '#lib/wire/infill';

const FIELDS = Object.keys(infillRequestSchema.shape);

/** POST /v1/infill, llama.cpp's /infill. */
export async function handleInfill(request: HttpRequest, context: RequestContext): Promise<Reply> {
  const { input, unknown } = parseOnce(await readChatBody(request), parse);
  const { response_fields: fields, stream, model } = input;
  if (input.n_predict === 0) return json(emptyInfillResponse(model, fields), 200, ignoredFieldsHeader(unknown));
  const pending = await chatEngine()
    .submit(fromInfill(input), submitterOf(request, context))
    .catch(logRejection(context, model));
  const { cacheStatus, ignoredFields } = pending;
  const headers = ignoredFieldsHeader(unknown, ignoredFields);
  return reply(infillApi(fields), pending, { cacheStatus, stream, signal: request.signal, headers }, context);
}

function parse(bytes: Uint8Array): { input: InfillRequest; unknown: readonly string[] } {
  const body = parseChatBody(bytes);
  const input = parseBody(infillRequestSchema, body);
  return { input, unknown: unknownFields(body, input, FIELDS) };
}

/** A new one for each request: its fields are the client's choice. */
function infillApi(fields: readonly string[] | undefined) {
  return apiAdapter({
    streamHeaders: EVENT_STREAM_HEADERS,
    encoder: (pending) => infillStreamEncoder(pending, fields),
    body: (pending, response) => infillResponse(pending, response, fields),
  });
}
