import { ApiError, UNREACHABLE } from '#lib/browser/api-client';
import { BROWSER_STRINGS } from '#lib/browser/strings';
import type { FollowResponse } from './chat-state.ts';
import { describeFailure, markFailed } from './response-states.ts';

/** The last attempts come when a reader has long seen that the server is away. */
const ATTEMPTS = 10;
const PAUSE_MS = 6_000;

/**
 * Follows a response as soon as the code for this is there. A new request fails if the code cannot
 * be fetched. An interrupted response is not lost: the fetch is tried again for a minute.
 */
export async function followLate(
  fetchCode: () => Promise<{ followResponse: FollowResponse }>,
  ...[initial, openFirst, options]: Parameters<FollowResponse>
): Promise<void> {
  const { effects, signal, update } = options;
  let code = await fetchCode().catch(() => undefined);
  for (let attempt = 1; code === undefined && openFirst === undefined && attempt < ATTEMPTS; attempt++) {
    await effects.pause(PAUSE_MS, signal);
    if (signal.aborted) return;
    code = await fetchCode().catch(() => undefined);
  }
  if (signal.aborted) return;
  if (code === undefined) update(markFailed(initial, describeFailure(unreachable()), effects.now()));
  else await code.followResponse(initial, openFirst, options);
}

export const unreachable = () => new ApiError(BROWSER_STRINGS.unreachable, 0, UNREACHABLE);
