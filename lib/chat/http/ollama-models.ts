import { mayUseEveryModel, visibleModels } from '#lib/chat/allowed-models';
import { OLLAMA_API_VERSION, ollamaRunningModel, ollamaShowResponse, ollamaTag } from '#lib/chat/formats/ollama';
import { modelsFor } from '#lib/chat/http/allowed-models';
import { chooseProvider } from '#lib/chat/http/choose-provider';
import { forwardedReply } from '#lib/chat/http/forwarded-reply';
import { AppError } from '#lib/errors';
import { parseBody, readJson } from '#lib/http/body';
import type { HttpRequest } from '#lib/http/http-request';
import type { Principal } from '#lib/http/principal';
import { json, type Reply } from '#lib/http/reply';
import type { RequestContext } from '#lib/http/route';
import { findModel, modelDirectory } from '#lib/models/model-directory';
import type { ModelProvider, OllamaManagement } from '#lib/models/provider';
import { singleton } from '#lib/singletons';
import { KIB } from '#lib/units';
import type { ModelInfo } from '#lib/wire/models';
import { ollamaShowSchema } from '#lib/wire/ollama-request';

/** Models in the format of Ollama's API: as Ollama writes them where it has them. */

const VERSION_TTL_MS = 60_000;
const LIST_TIMEOUT_MS = 2_000;

/** GET /api/tags */
export async function handleOllamaTags({ signal }: HttpRequest, { principal }: RequestContext): Promise<Reply> {
  const [list, known] = await Promise.all([modelDirectory().list(signal), everyTag(signal)]);
  const { models } = modelsFor(list, principal);
  return json({ models: models.map((model) => knownEntry(known, model) ?? ollamaTag(model)) });
}

/** GET /api/ps */
export async function handleOllamaPs({ signal }: HttpRequest, { principal }: RequestContext): Promise<Reply> {
  const [list, all] = await Promise.all([modelDirectory().list(signal), everyRunning(signal)]);
  const { models } = modelsFor(list, principal);
  const running = all?.filter((entry) => isVisible(entry, principal));
  const others = models.filter(({ loaded, provider }) => loaded && !(provider === 'ollama' && running !== undefined));
  return json({ models: [...(running ?? []), ...others.map(ollamaRunningModel)] });
}

/** POST /api/show */
export async function handleOllamaShow(request: HttpRequest, { principal }: RequestContext): Promise<Reply> {
  const { signal } = request;
  const input = parseBody(ollamaShowSchema, await readJson(request, 16 * KIB, true));
  const id = input.model ?? input.name ?? '';
  const { models } = modelsFor(await modelDirectory().list(signal), principal);
  const model = findModel(models, id);
  if (model === undefined)
    throw new AppError('model_not_found', `There is no model ${id}. GET /api/tags lists what is there.`);
  if (model.provider === 'ollama') {
    const shown = await showOfOllama(model, input.verbose === true, signal);
    if (shown !== undefined) return shown;
  }
  return json(ollamaShowResponse(model));
}

/** GET /api/version */
export async function handleOllamaVersion({ signal }: HttpRequest): Promise<Reply> {
  return json({ version: (await ollamaVersion(signal)) ?? OLLAMA_API_VERSION });
}

async function showOfOllama(model: ModelInfo, verbose: boolean, signal: AbortSignal): Promise<Reply | undefined> {
  const provider = await chooseProvider({
    model: model.id,
    canServe: ({ ollama, forward }) => ollama !== undefined && forward !== undefined,
    unsupported: () => new AppError('model_not_found', `There is no model ${model.id}.`),
  }).catch(orRethrow(signal));
  if (provider?.forward === undefined) return undefined;
  // Ollama does not know aliases.
  const named = model.alias_of === undefined ? undefined : modelDirectory().resolveKnown(model.id);
  const content = Buffer.from(JSON.stringify({ model: named?.model ?? model.id, verbose }));
  const headers = { 'content-type': 'application/json', 'content-length': String(content.byteLength) };
  const response = await provider.forward({ method: 'POST', path: '/api/show', headers, content }, signal);
  return response.isSuccess ? forwardedReply(response, '/api/show') : undefined;
}

/** Whether a caller may see what Ollama runs. */
function isVisible(entry: object, principal: Principal): boolean {
  const name = 'model' in entry ? entry.model : undefined;
  return (
    mayUseEveryModel(principal) || (typeof name === 'string' && visibleModels([{ id: name }], principal).length > 0)
  );
}

/** Ollama lists each model by its full name. */
function knownEntry(known: ReadonlyMap<string, object>, { id, provider }: ModelInfo): object | undefined {
  return provider === 'ollama' ? known.get(id) : undefined;
}

async function everyTag(signal: AbortSignal): Promise<ReadonlyMap<string, object>> {
  const lists = await Promise.all(
    (await ollamas()).map((ollama) => ollama.tags(inTime(signal)).catch(orRethrow(signal))),
  );
  return new Map(lists.flatMap((list) => [...(list ?? [])]));
}

/** Undefined if no Ollama reports what it runs. */
async function everyRunning(signal: AbortSignal): Promise<readonly object[] | undefined> {
  const lists = await Promise.all(
    (await ollamas()).map((ollama) => ollama.running(inTime(signal)).catch(orRethrow(signal))),
  );
  const known = lists.filter((list) => list !== undefined);
  return known.length === 0 ? undefined : known.flat();
}

interface KnownVersion {
  version: string | undefined;
  readAtMs: number;
}

/** Clients ask often, and it changes with an update of Ollama only. */
async function ollamaVersion(signal: AbortSignal): Promise<string | undefined> {
  const [ollama] = await ollamas();
  if (ollama === undefined) return undefined;
  const known = singleton('ollama.version', (): KnownVersion => ({ version: undefined, readAtMs: 0 }));
  if (known.version !== undefined && performance.now() - known.readAtMs < VERSION_TTL_MS) return known.version;
  const version = await ollama.version(inTime(signal)).catch(orRethrow(signal));
  Object.assign(known, { version, readAtMs: performance.now() });
  return version;
}

async function ollamas(): Promise<OllamaManagement[]> {
  const directory = modelDirectory();
  const all: readonly ModelProvider[] = await directory.providers();
  const up = all.filter((provider) => directory.servers.serverOf(provider)?.isUp !== false);
  const providers = up.length > 0 ? up : all;
  return providers.flatMap(({ ollama }) => (ollama === undefined ? [] : [ollama]));
}

/** A server that hangs must not hold back what the others list. */
function inTime(signal: AbortSignal): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(LIST_TIMEOUT_MS)]);
}

/** Undefined for an expected failure of Ollama, which must not hide the other models. */
function orRethrow(signal: AbortSignal): (error: unknown) => undefined {
  return (error) => {
    signal.throwIfAborted();
    const isTimeout = error instanceof Error && error.name === 'TimeoutError';
    if (!AppError.is(error) && !isTimeout) throw error;
    return undefined;
  };
}
