import { chatEngine } from '#lib/chat/engine-singleton';
import { parseBody, readJson } from '#lib/http/body';
import type { HttpRequest } from '#lib/http/http-request';
import { json, type Reply } from '#lib/http/reply';
import { route } from '#lib/http/route';
import { currentStats } from '#lib/server/current-stats';
import { KIB } from '#lib/units';
import { type StatsActionResult, statsActionSchema } from '#lib/wire/server-stats';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/cache-stats',
  { GET: () => json(currentStats()), POST: act },
  // To load a model takes what an answer takes.
  { rateLimit: 'chat' },
);

async function act(request: HttpRequest): Promise<Reply> {
  const { signal } = request;
  const { action, data } = parseBody(statsActionSchema, await readJson(request, 16 * KIB));
  const engine = chatEngine();
  if (action === 'warm_model') {
    const { model, load_duration_ms } = await engine.warmModel(data?.model, signal);
    return done({ action, message: `${model} is loaded.`, model, load_duration_ms });
  }
  const responses = action === 'clear_conversation_cache' ? 0 : engine.clearResponses();
  const conversations = action === 'clear_response_cache' ? 0 : engine.clearConversations();
  const cleared = responses + conversations;
  return done({
    action,
    message: `${cleared} ${cleared === 1 ? 'entry' : 'entries'} cleared.`,
    cleared_entries: cleared,
  });
}

function done(result: Omit<StatsActionResult, 'success'>): Reply {
  return json({ success: true, ...result } satisfies StatsActionResult);
}
