import { usePolled } from '#lib/browser/use-sampled-stats';
import { fetchStats } from './cache-stats-api.ts';

export function useStats() {
  return usePolled('stats', fetchStats);
}
