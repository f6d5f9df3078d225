import { chatEngine } from '#lib/chat/index';
import { VERSION } from '#lib/config/version';
import { parseBody, readJson } from '#lib/http/body';
import { json, type Reply } from '#lib/http/reply';
import type { HttpRequest } from '#lib/http/request';
import { route } from '#lib/http/route';
import { KIB } from '#lib/http/size';
import { runner } from '#lib/runner/index';
import { type Stats, type StatsActionResult, statsActionSchema } from '#lib/wire/stats';

const BYTES_PER_MB = 1024 * 1024;

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route('/api/cache-stats', { GET: stats, POST: act });

function stats(): Reply {
  const { latency, ...chat } = chatEngine().stats();
  return json({
    timestamp: new Date().toISOString(),
    ...chat,
    latency,
    runner: runner().stats(),
    process: {
      rss_mb: Math.round((process.memoryUsage.rss() / BYTES_PER_MB) * 10) / 10,
      uptime_seconds: Math.round(process.uptime()),
      version: VERSION,
    },
  } satisfies Stats);
}

async function act(request: HttpRequest): Promise<Reply> {
  const { signal } = request;
  const { action, data } = parseBody(statsActionSchema, await readJson(request, 16 * KIB));
  const engine = chatEngine();
  if (action === 'warm_model') {
    const { model, load_duration_ms } = await engine.warm(data?.model, signal);
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
