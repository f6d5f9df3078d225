import useSWR, { type SWRResponse } from 'swr';

const REFRESH_MS = 2_000;
const MAX_SAMPLES = 900;

interface SampleAt {
  /** Milliseconds since the epoch. */
  at: number;
}

export interface StatsSampler<Stats, Sample> {
  /** Fetches the statistics and appends a sample of them. */
  fetch: () => Promise<Stats>;
  /** The samples so far; of `data` alone until the first fetch. */
  samples: (data: Stats | undefined) => readonly Sample[];
}

/**
 * Keeps the last samples of polled statistics for charts. Created once per module, so that the
 * samples outlive the page that shows them until the app is closed.
 */
export function createStatsSampler<Stats, Sample extends SampleAt>(
  fetchStats: () => Promise<Stats>,
  toSample: (stats: Stats, previous: Sample | undefined) => Sample,
): StatsSampler<Stats, Sample> {
  let samples: readonly Sample[] = [];
  return {
    async fetch() {
      const stats = await fetchStats();
      samples = appendSample(samples, toSample(stats, samples.at(-1)));
      return stats;
    },
    samples: (data) => (samples.length === 0 && data !== undefined ? [toSample(data, undefined)] : samples),
  };
}

/** Polls statistics with SWR. A server-rendered page provides the first response under `key`. */
export function useSampledStats<Stats, Sample>(
  key: string,
  sampler: StatsSampler<Stats, Sample>,
): SWRResponse<Stats, Error> & { samples: readonly Sample[] } {
  const response = useSWR<Stats, Error>(key, sampler.fetch, {
    refreshInterval: REFRESH_MS,
    errorRetryInterval: REFRESH_MS,
    dedupingInterval: REFRESH_MS / 2,
  });
  return { ...response, samples: sampler.samples(response.data) };
}

/** Appends a sample and evicts the oldest. A clock that went back starts the series again. */
export function appendSample<Sample extends SampleAt>(samples: readonly Sample[], sample: Sample): readonly Sample[] {
  const last = samples.at(-1);
  if (last !== undefined && sample.at === last.at) return samples;
  if (last !== undefined && sample.at < last.at) return [sample];
  return [...samples.slice(-(MAX_SAMPLES - 1)), sample];
}
