import { type SWRResponse, useSWRConfig } from 'swr';
import { requestJson } from '#lib/browser/api-client';
import { API_BASE } from '#lib/browser/endpoints';
import { isStatsHistory } from '#lib/browser/response-guards';
import { historyKey, joinHistory } from '#lib/browser/stats-history';
import { usePolled } from '#lib/browser/use-sampled-stats';
import type { HistoryGroup, HistoryRange, StatsHistory } from '#lib/wire/stats-history';

const REFRESH_MS = 5_000;
const TIMEOUT_MS = 10_000;

/** The server's time series, continued by requests for what followed. */
export function useStatsHistory(group: HistoryGroup, range: HistoryRange): SWRResponse<StatsHistory, Error> {
  const { cache, fallback } = useSWRConfig();
  const key = historyKey(group, range);
  return usePolled(
    key,
    async () => {
      const stored: unknown = cache.get(key)?.data ?? fallback[key];
      const known = isStatsHistory(stored) ? stored : undefined;
      const query = new URLSearchParams({ range, group, since: String(known?.complete_until ?? 0) });
      const more = await requestJson(isStatsHistory, `${API_BASE}/api/stats/history?${query}`, {
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      return known === undefined ? more : joinHistory(known, more);
    },
    REFRESH_MS,
  );
}
