import { chooseProvider } from '#lib/chat/http/choose-provider';
import { forwardedReply } from '#lib/chat/http/forwarded-reply';
import { requireManagement } from '#lib/chat/http/ollama-access';
import { AppError } from '#lib/errors';
import { parseBody, parseJson, readJsonBytes } from '#lib/http/body';
import type { HttpRequest } from '#lib/http/http-request';
import { json, type Reply } from '#lib/http/reply';
import type { RequestContext, RequestHandler } from '#lib/http/route';
import type { ForwardedResponse, ForwardRequest } from '#lib/models/forwarding';
import type { ModelProvider } from '#lib/models/provider';
import { withSpan } from '#lib/telemetry/tracing';
import { MIB } from '#lib/units';
import { MANAGEMENT_SCHEMAS, type ManagementAction } from '#lib/wire/ollama-management';

/**
 * Ollama's own management of its models, passed on as it is. It takes no slot: a download may take
 * an hour, and needs no model.
 */

/** A template, a license and a conversation are part of a new model. */
const BODY_LIMIT_BYTES = 4 * MIB;
const DIGEST = /^sha256[-:][0-9a-f]{64}$/;

/** POST /api/pull, /api/push, /api/create and /api/copy, and DELETE /api/delete. */
export function manage(action: ManagementAction): RequestHandler {
  const path = `/api/${action}`;
  return async (request, context) => {
    requireManagement(request, context);
    const content = await readJsonBytes(request, BODY_LIMIT_BYTES, true);
    parseBody(MANAGEMENT_SCHEMAS[action], parseJson(content));
    const headers = { 'content-type': 'application/json', 'content-length': String(content.byteLength) };
    const method = action === 'delete' ? 'DELETE' : 'POST';
    return await forward({ method, path, headers, content }, request, context);
  };
}

/** HEAD /api/blobs/:digest */
export async function findBlob(request: HttpRequest, context: RequestContext): Promise<Reply> {
  requireManagement(request, context);
  return await forward({ method: 'HEAD', path: blobPath(context), headers: {} }, request, context);
}

/** POST /api/blobs/:digest. A file of any size is sent on while it arrives. */
export async function uploadBlob(request: HttpRequest, context: RequestContext): Promise<Reply> {
  requireManagement(request, context);
  const path = blobPath(context);
  const { content, declaredBytes } = request.stream(Number.POSITIVE_INFINITY);
  const headers: Record<string, string> = { 'content-type': 'application/octet-stream' };
  if (declaredBytes !== undefined) headers['content-length'] = String(declaredBytes);
  return await forward({ method: 'POST', path, headers, content }, request, context).catch((error: unknown) => {
    content.destroy();
    throw error;
  });
}

function blobPath({ params: { digest } }: RequestContext): string {
  if (typeof digest !== 'string' || !DIGEST.test(digest))
    throw new AppError('invalid_request', 'The digest of a blob is sha256: and 64 hexadecimal digits.');
  return `/api/blobs/${digest}`;
}

async function forward(sent: ForwardRequest, { signal }: HttpRequest, { requestId }: RequestContext): Promise<Reply> {
  const provider = await chooseOllama();
  const response = await withSpan(requestId, sent.path, {}, () => sendTo(provider, sent, signal));
  // A response to HEAD has no sentence, so 404 always means that Ollama does not have the file.
  if (sent.method === 'HEAD') {
    if (response.isSuccess) response.body.destroy();
    return { status: response.statusCode, headers: { 'cache-control': 'no-store' }, body: null };
  }
  const isMissing = !response.isSuccess && response.statusCode === 404 && response.sentence !== undefined;
  if (!isMissing) return forwardedReply(response, sent.path);
  return json({ error: response.sentence, code: 'model_not_found' }, 404);
}

async function chooseOllama(): Promise<ModelProvider> {
  return await chooseProvider({
    model: undefined,
    canServe: ({ ollama, forward: send }) => ollama !== undefined && send !== undefined,
    unsupported: () =>
      new AppError(
        'unsupported_by_model_server',
        'No Ollama is configured, so there are no models to manage. Set OLLAMA_API_URL.',
      ),
  });
}

async function sendTo(provider: ModelProvider, sent: ForwardRequest, signal: AbortSignal): Promise<ForwardedResponse> {
  if (provider.forward === undefined) throw new Error('a provider without this method was chosen');
  return await provider.forward(sent, signal);
}
