import { AppError } from '#lib/errors';
import type { HttpRequest } from '#lib/http/http-request';
import { json, type Reply } from '#lib/http/reply';
import { statsHistory } from '#lib/server/stats-history';
import { SECOND_MS } from '#lib/units';
import { historyQuerySchema } from '#lib/wire/stats-history';

/** GET /api/stats/history */
export function handleStatsHistory(request: HttpRequest): Reply {
  const query = Object.fromEntries(new URL(request.url).searchParams);
  const { success, data, error } = historyQuerySchema.safeParse(query);
  if (!success) throw AppError.fromZod(error);
  return json(statsHistory().history(data.range, data.group, data.since * SECOND_MS));
}
