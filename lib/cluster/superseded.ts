import type { Generation } from '#lib/chat/generation/generation';
import type { InFlight } from '#lib/chat/generation/in-flight';
import { TAKEN_OVER } from '#lib/cluster/lost-runs';

/**
 * Ends a generation here whose run has begun again elsewhere, without the text that this instance
 * may have of it. Its readers come back by its id, and get the new text from its beginning: two
 * texts are never joined, and the one `done` is that of the new one.
 */
export function supersede(generation: Generation, inFlight: Pick<InFlight, 'requestsOf' | 'forget'>): void {
  const requests = inFlight.requestsOf(generation);
  for (const request of requests) request.goesOnElsewhere = true;
  generation.finish(TAKEN_OVER);
  // What is asked of the run from now on is asked of Redis.
  for (const request of requests) inFlight.forget(request);
}
