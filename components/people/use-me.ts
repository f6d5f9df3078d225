import useSWR, { type SWRResponse } from 'swr';
import { isSignedOut } from '#lib/browser/service-status';
import type { Me } from '#lib/wire/people';
import { fetchMe } from './people-api.ts';

const REFRESH_MS = 30_000;

/** Who is asking, with limits and share. */
export function useMe(): SWRResponse<Me, Error> {
  return useSWR<Me, Error>('me', fetchMe, {
    refreshInterval: REFRESH_MS,
    shouldRetryOnError: (error) => !isSignedOut(error),
  });
}
