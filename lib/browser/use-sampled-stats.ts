import { useEffect, useState } from 'react';
import useSWR, { type SWRResponse } from 'swr';
import { isSignedOut } from '#lib/browser/service-status';

const REFRESH_MS = 2_000;
/** Data is old from then on, even if no request has failed: the server may hang. */
const STALE_AFTER_MS = 5_000;

/**
 * Polls statistics with SWR. A server-rendered page provides the first response under `key`. A
 * failed request is repeated at the same pace, because SWR's own pause grows to minutes.
 */
export function usePolled<Data>(
  key: string,
  fetchData: () => Promise<Data>,
  everyMs = REFRESH_MS,
): SWRResponse<Data, Error> {
  return useSWR<Data, Error>(key, fetchData, {
    refreshInterval: everyMs,
    dedupingInterval: everyMs / 2,
    keepPreviousData: true,
    onErrorRetry: (error, _key, _config, revalidate, { retryCount }) => {
      if (!isSignedOut(error)) setTimeout(() => void revalidate({ retryCount }), everyMs);
    },
  });
}

/** When `data` arrived, by this browser's clock, and whether it no longer says how things stand. */
export function useFreshness(
  data: unknown,
  error: Error | undefined,
): { receivedAt: number | undefined; isStale: boolean } {
  const [receivedAt, setReceivedAt] = useState<number>();
  const [isOld, setOld] = useState(false);
  useEffect(() => {
    if (data === undefined) return;
    const at = Date.now();
    setReceivedAt(at);
    setOld(false);
    const timer = setTimeout(() => setOld(true), STALE_AFTER_MS);
    return () => clearTimeout(timer);
  }, [data]);
  return { receivedAt, isStale: data !== undefined && (error !== undefined || isOld) };
}
