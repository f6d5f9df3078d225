import { z } from 'zod';
import { backendUrls } from '#lib/config/settings/gateway';
import { gateway } from '#lib/gateway/index';
import { singleton } from '#lib/singletons';
import type { ChangedValue } from './stored-values.ts';

/** Backends of the gateway that administrators added or drained, as they are stored. */

export interface StoredBackend {
  readonly url: string;
  readonly draining: boolean;
  /** False for one of the environment, of which only the draining is stored. */
  readonly added: boolean;
}

const storedSchema = z.object({ url: z.string(), draining: z.boolean(), added: z.boolean() });

/** Who changed a backend, and when. */
interface Change {
  readonly by: string | null;
  readonly atMs: number;
}

/** The address as the environment would have it, or the rule that it breaks. */
export function parseBackendUrl(text: string): { url: string } | { problem: string } {
  const result = backendUrls().safeParse(text);
  if (!result.success) return { problem: result.error.issues[0]?.message ?? 'is not valid' };
  const [url, ...others] = result.data;
  return url === undefined || others.length > 0 ? { problem: 'must be one URL' } : { url };
}

/**
 * Makes a backend what was stored. One that was in the environment and is not any more stays away:
 * no one added it. A value of another version has no effect.
 */
export function restoreBackend({ value, by, atMs }: ChangedValue): void {
  const { data } = storedSchema.safeParse(value);
  const parsed = data === undefined ? undefined : parseBackendUrl(data.url);
  if (data === undefined || parsed === undefined || 'problem' in parsed) return;
  const known = gateway().findByUrl(parsed.url);
  const backend = known ?? (data.added ? gateway().add(parsed.url) : undefined);
  if (backend === undefined) return;
  gateway().drain(backend, data.draining);
  setBackendChange(backend.id, { by, atMs });
}

/** Makes backends what the settings say, if they were changed and that is stored no more. */
export function forgetBackends(isStored: (id: string) => boolean): void {
  for (const id of [...changes().keys()]) {
    if (isStored(id)) continue;
    const backend = gateway().find(id);
    if (backend?.source === 'added') gateway().remove(backend);
    else if (backend !== undefined) gateway().drain(backend, false);
    setBackendChange(id, undefined);
  }
}

export function backendChange(id: string): Change | undefined {
  return changes().get(id);
}

/** Undefined for a backend that is as the settings have it, or was removed. */
export function setBackendChange(id: string, change: Change | undefined): void {
  if (change === undefined) changes().delete(id);
  else changes().set(id, change);
}

function changes(): Map<string, Change> {
  return singleton('people.backend-changes', () => new Map<string, Change>());
}
