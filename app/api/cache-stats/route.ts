import { handleStatsAction } from '#lib/chat/http/cache-actions';
import { json } from '#lib/http/reply';
import { route } from '#lib/http/route';
import { currentStats } from '#lib/server/current-stats';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/cache-stats',
  { GET: async () => json(await currentStats()), POST: handleStatsAction },
  // Loading a model costs as much as a response.
  { right: { GET: 'stats', POST: 'warm' }, rateLimit: 'chat' },
);
