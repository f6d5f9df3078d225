import { embeddingService } from '#lib/chat/embeddings/embedding-singleton';
import { chatEngine } from '#lib/chat/engine-singleton';
import type { WarmedModel } from '#lib/chat/model-loading';
import { parseBody, readJson } from '#lib/http/body';
import type { HttpRequest } from '#lib/http/http-request';
import { json, type Reply } from '#lib/http/reply';
import { KIB } from '#lib/units';
import { type StatsActionResult, statsActionSchema } from '#lib/wire/server-stats';

/** POST /api/cache-stats: loads a model, or clears one or both caches. */
export async function handleStatsAction(request: HttpRequest): Promise<Reply> {
  const { signal } = request;
  const { action, data } = parseBody(statsActionSchema, await readJson(request, 16 * KIB));
  const engine = chatEngine();
  if (action === 'warm_model') {
    const on = data?.server === undefined ? 'all' : { server: data.server };
    const warmed = await engine.warmModel(data?.model, signal, { on });
    return success({ action, message: loadedSentence(warmed), ...warmed });
  }
  const isOfConversations = action === 'clear_conversation_cache';
  const responses = isOfConversations ? 0 : engine.clearResponses() + embeddingService().clear();
  const conversations = action === 'clear_response_cache' ? 0 : engine.clearConversations();
  const cleared = responses + conversations;
  return success({
    action,
    message: `${cleared} ${cleared === 1 ? 'entry' : 'entries'} cleared.`,
    cleared_entries: cleared,
  });
}

function loadedSentence({ model, servers = [] }: WarmedModel): string {
  const on = servers.filter((server) => 'load_duration_ms' in server).map(({ name }) => name);
  const failed = servers.flatMap((server) => ('error' in server ? [` ${server.name} failed: ${server.error}`] : []));
  return `${model} is loaded${on.length === 0 ? '' : ` on ${on.join(', ')}`}.${failed.join('')}`;
}

function success(result: Omit<StatsActionResult, 'success'>): Reply {
  return json({ success: true, ...result } satisfies StatsActionResult);
}
