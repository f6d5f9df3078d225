import type { Models } from '#lib/wire/models';
import { modelByName } from './model-capabilities.ts';

/** Whether the chosen model can respond. */
export type ModelState =
  | { kind: 'ready' }
  /** Its model server does not respond. */
  | { kind: 'down'; reasons: readonly string[] }
  /** The server does not have it. `instead` is one that it has. */
  | { kind: 'missing'; name: string; instead: string };

export function modelState(models: Models, name: string | null): ModelState {
  if (modelByName(models, name) !== undefined) return { kind: 'ready' };
  const down = models.providers.filter(({ reachable }) => !reachable);
  // The model may be one of the server that does not respond.
  if (down.length > 0) return { kind: 'down', reasons: down.flatMap(({ error }) => (error === null ? [] : [error])) };
  const instead = modelByName(models, null) ?? models.models[0];
  if (instead === undefined) return { kind: 'ready' };
  return { kind: 'missing', name: name ?? models.default_model, instead: instead.id };
}
