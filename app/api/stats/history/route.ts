import { route } from '#lib/http/route';
import { handleStatsHistory } from '#lib/server/history-handler';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/stats/history',
  { GET: handleStatsHistory },
  { right: 'stats', quiet: true },
);
