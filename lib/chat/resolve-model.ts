import type { EngineParts } from '#lib/chat/engine-parts';
import type { ResolvedModel } from '#lib/models/model-route';

/** A larger request does not wait as an object while its model is resolved. */
export const LARGE_REQUEST_BYTES = 64 * 1024;

/** Resolves the model of a request. `held` counts as waiting until the model is known. */
export async function resolveModel(
  { directory, scheduler, counts }: EngineParts,
  name: string | undefined,
  held?: { caller: string; bytes: number },
): Promise<ResolvedModel> {
  try {
    if (held === undefined) return await directory.resolve(name);
    const unreserve = scheduler.reserve(held.caller, held.bytes);
    return await directory.resolve(name).finally(unreserve);
  } catch (error) {
    counts.unresolved += 1;
    throw counts.countRefusal(error);
  }
}
