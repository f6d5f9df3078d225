import { embeddingService } from '#lib/chat/embeddings/embedding-singleton';
import { chatEngine } from '#lib/chat/engine-singleton';
import { requireAllowedModel } from '#lib/chat/http/allowed-models';
import type { WarmedModel } from '#lib/chat/model-loading';
import { recordChange } from '#lib/http/audit';
import { parseBody, readJson } from '#lib/http/body';
import type { HttpRequest } from '#lib/http/http-request';
import { requireRight } from '#lib/http/principal';
import { json, type Reply } from '#lib/http/reply';
import type { RequestContext } from '#lib/http/route';
import { KIB } from '#lib/units';
import { type StatsActionResult, statsActionSchema } from '#lib/wire/server-stats';

/** POST /api/cache-stats: loads a model, or clears one or both caches. */
export async function handleStatsAction(request: HttpRequest, context: RequestContext): Promise<Reply> {
  const { principal, settings } = context;
  const { signal } = request;
  const { action, data } = parseBody(statsActionSchema, await readJson(request, 16 * KIB));
  const engine = chatEngine();
  if (action === 'warm_model') {
    await requireAllowedModel(principal, data?.model);
    const on = data?.server === undefined ? 'all' : { server: data.server };
    const warmed = await engine.warmModel(data?.model, signal, { on });
    const { model } = warmed;
    recordChange(context, { action: 'model.load', target: model, summary: `loaded the model ${model}` });
    return success({ action, message: loadedSentence(warmed), ...warmed });
  }
  requireRight(principal, 'cache-admin');
  const isOfConversations = action === 'clear_conversation_cache';
  const { responses, saved } = isOfConversations ? NOTHING : await clearResponses();
  const conversations = action === 'clear_response_cache' ? 0 : await engine.clearConversations();
  const cleared = responses + conversations;
  const isSaved = await saved;
  const copies = settings.REDIS_URL === undefined ? 'the database' : 'the database or in Redis';
  const rest = isSaved ? '' : ` The copy in ${copies} cannot be cleared now, and may be back after a restart.`;
  const entries = cleared === 1 ? 'entry' : 'entries';
  recordChange(context, { action: 'cache.clear', summary: `${CLEARED[action]} (${cleared} ${entries})` });
  return success({
    action,
    message: `${cleared} ${entries} cleared.${rest}`,
    cleared_entries: cleared,
  });
}

const CLEARED = {
  clear_response_cache: 'cleared the cache of responses',
  clear_conversation_cache: 'cleared the cache of conversations',
  clear: 'cleared both caches',
} as const;

const NOTHING = { responses: 0, saved: Promise.resolve(true) };

/** Clears both levels of responses and embeddings; `saved` says whether the second one is. */
async function clearResponses(): Promise<{ responses: number; saved: Promise<boolean> }> {
  const { entries, saved } = await chatEngine().clearResponses();
  return {
    responses: entries + embeddingService().clear(),
    saved: saved.then(
      () => true,
      () => false,
    ),
  };
}

function loadedSentence({ model, servers = [] }: WarmedModel): string {
  const on = servers.filter((server) => 'load_duration_ms' in server).map(({ name }) => name);
  const failed = servers.flatMap((server) => ('error' in server ? [` ${server.name} failed: ${server.error}`] : []));
  return `${model} is loaded${on.length === 0 ? '' : ` on ${on.join(', ')}`}.${failed.join('')}`;
}

function success(result: Omit<StatsActionResult, 'success'>): Reply {
  return json({ success: true, ...result } satisfies StatsActionResult);
}
