import type { LimitKind, LimitName, ScopedLimits } from '#lib/wire/limits';
import { LIMITS, readLimit } from '../people/limit-list.ts';
import type { LimitChanges } from './limits-api.ts';

/** What is typed for each limit. */
export type LimitTexts = Record<LimitName, { text: string; kind: LimitKind }>;

export function textsOf({ limits }: Pick<ScopedLimits, 'limits'>): LimitTexts {
  const text = (name: LimitName) => ({
    text: limits[name] === undefined ? '' : String(limits[name].limit),
    kind: limits[name]?.kind ?? (LIMITS.find((limit) => limit.name === name)?.mayBeShared === true ? 'share' : 'hard'),
  });
  return {
    tokens_per_day: text('tokens_per_day'),
    tokens_per_month: text('tokens_per_month'),
    requests_per_minute: text('requests_per_minute'),
    code_runs_per_minute: text('code_runs_per_minute'),
    code_seconds_per_day: text('code_seconds_per_day'),
    concurrent_requests: text('concurrent_requests'),
    context_tokens: text('context_tokens'),
    output_tokens: text('output_tokens'),
  };
}

/** The limits that differ from what is stored, or the names of those that are not valid. */
export function changesOf(
  texts: LimitTexts,
  stored: Pick<ScopedLimits, 'limits' | 'locked'>,
): { changes: LimitChanges; wrong: LimitName[] } {
  const before = textsOf(stored);
  const changes: LimitChanges = {};
  const wrong: LimitName[] = [];
  for (const { name, mayBeShared } of LIMITS) {
    const { text, kind } = texts[name];
    const limit = readLimit(text);
    if (stored.locked.includes(name)) continue;
    if (limit === undefined) wrong.push(name);
    else if (limit === null) {
      if (stored.limits[name] !== undefined) changes[name] = null;
    } else if (limit !== readLimit(before[name].text) || (mayBeShared && kind !== before[name].kind))
      changes[name] = { limit, kind: mayBeShared ? kind : 'hard' };
  }
  return { changes, wrong };
}

/** The change that takes `changes` back. */
export function undoOf(changes: LimitChanges, { limits }: Pick<ScopedLimits, 'limits'>): LimitChanges {
  const undo: LimitChanges = {};
  for (const { name } of LIMITS) if (changes[name] !== undefined) undo[name] = limits[name] ?? null;
  return undo;
}
