import { forwardedReply } from '#lib/chat/http/forwarded-reply';
import { requireManagement } from '#lib/chat/http/ollama-access';
import { AppError } from '#lib/errors';
import { recordChange } from '#lib/http/audit';
import { parseBody, parseJson, readJsonBytes, requireUnencoded } from '#lib/http/body';
import type { HttpRequest } from '#lib/http/http-request';
import { withCallerSignal } from '#lib/http/open-work';
import { json, type Reply } from '#lib/http/reply';
import type { RequestContext, RequestHandler } from '#lib/http/route';
import type { ForwardedResponse, ForwardRequest } from '#lib/models/forwarding';
import { modelDirectory } from '#lib/models/model-directory';
import { type ModelServer, serverNamed } from '#lib/models/model-server';
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
/** The model that has to be there, for actions that need one. */
const EXISTING: Partial<Record<ManagementAction, (body: Named) => string | undefined>> = {
  push: ({ model, name }) => model ?? name,
  delete: ({ model, name }) => model ?? name,
  copy: ({ source }) => source,
};

/** How the audit log names it: what takes long is recorded when it begins. */
const SUMMARIES: Record<ManagementAction, (model: string, from: string) => string> = {
  pull: (model) => `began to download the model ${model}`,
  push: (model) => `began to upload the model ${model}`,
  create: (model) => `began to make the model ${model}`,
  copy: (model, from) => `copied the model ${from} to ${model}`,
  delete: (model) => `deleted the model ${model}`,
};

function changeOf(action: ManagementAction, { model, name, source = '', destination }: Named) {
  const target = destination ?? model ?? name ?? '';
  return { action: `model.${action}`, target, summary: SUMMARIES[action](target, source) };
}

interface Named {
  readonly model?: string | undefined;
  readonly name?: string | undefined;
  readonly source?: string | undefined;
  readonly destination?: string | undefined;
}

const DIGEST = /^sha256[-:][0-9a-f]{64}$/;

/** POST /api/pull, /api/push, /api/create and /api/copy, and DELETE /api/delete. */
export function manage(action: ManagementAction): RequestHandler {
  const path = `/api/${action}`;
  return async (request, context) => {
    requireManagement(request, context);
    const content = await readJsonBytes(request, BODY_LIMIT_BYTES, true);
    const named = parseBody(MANAGEMENT_SCHEMAS[action], parseJson(content));
    const headers = { 'content-type': 'application/json', 'content-length': String(content.byteLength) };
    const method = action === 'delete' ? 'DELETE' : 'POST';
    const reply = await forward({ method, path, headers, content }, request, context, EXISTING[action]?.(named));
    if (reply.status < 300) recordChange(context, changeOf(action, named));
    return reply;
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
  requireUnencoded(request);
  const path = blobPath(context);
  const { content, declaredBytes } = request.stream(Number.POSITIVE_INFINITY);
  const headers: Record<string, string> = { 'content-type': 'application/octet-stream' };
  if (declaredBytes !== undefined) headers['content-length'] = String(declaredBytes);
  const sent: ForwardRequest = { method: 'POST', path, headers, content };
  const reply = await withCallerSignal(context.caller, request.signal, (signal) =>
    forward(sent, { url: request.url, signal }, context),
  ).catch((error: unknown) => {
    content.destroy();
    throw error;
  });
  const target = String(context.params.digest);
  if (reply.status < 300)
    recordChange(context, { action: 'model.upload', target, summary: 'uploaded a file for a new model' });
  return reply;
}

function blobPath({ params: { digest } }: RequestContext): string {
  if (typeof digest !== 'string' || !DIGEST.test(digest))
    throw new AppError('invalid_request', 'The digest of a blob is sha256: and 64 hexadecimal digits.');
  return `/api/blobs/${digest}`;
}

/** `existing` is a model that the server should have. */
async function forward(
  sent: ForwardRequest,
  { url, signal }: Pick<HttpRequest, 'url' | 'signal'>,
  { requestId }: RequestContext,
  existing?: string,
): Promise<Reply> {
  const server = await chooseOllama(new URL(url).searchParams.get('server') ?? undefined, existing);
  const response = await withSpan(requestId, sent.path, {}, () => sendTo(server.provider, sent, signal));
  const reply = toReply(sent, response);
  return server.isNameShown ? { ...reply, headers: { ...reply.headers, 'x-model-server': server.name } } : reply;
}

function toReply({ method, path }: ForwardRequest, response: ForwardedResponse): Reply {
  // A response to HEAD has no sentence, so 404 always means that Ollama does not have the file.
  if (method === 'HEAD') {
    if (response.isSuccess) response.body.destroy();
    return { status: response.statusCode, headers: { 'cache-control': 'no-store' }, body: null };
  }
  const isMissing = !response.isSuccess && response.statusCode === 404 && response.sentence !== undefined;
  if (!isMissing) return forwardedReply(response, path);
  return json({ error: response.sentence, code: 'model_not_found' }, 404);
}

/**
 * The Ollama of this name. Without a name: of those that are up, the first that has the model, else
 * the first.
 */
async function chooseOllama(name: string | undefined, existing: string | undefined): Promise<ModelServer> {
  const directory = modelDirectory();
  await directory.providers();
  const all = directory.servers.all.filter(
    ({ provider }) => provider.ollama !== undefined && provider.forward !== undefined,
  );
  if (name !== undefined && all.length > 0) return serverNamed(all, name);
  const up = all.filter(({ isUp }) => isUp);
  const usable = up.length > 0 ? up : all;
  const having = existing === undefined ? undefined : usable.find((server) => server.has(existing) === true);
  const chosen = having ?? usable[0];
  if (chosen !== undefined) return chosen;
  throw new AppError(
    'unsupported_by_model_server',
    'No Ollama is configured, so there are no models to manage. Set OLLAMA_API_URL.',
  );
}

async function sendTo(provider: ModelProvider, sent: ForwardRequest, signal: AbortSignal): Promise<ForwardedResponse> {
  if (provider.forward === undefined) throw new Error('a provider without this method was chosen');
  return await provider.forward(sent, signal);
}
