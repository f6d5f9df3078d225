import type { KeyLimits, KeyLimitsChange, LimitName } from '#lib/wire/limits';
import type { LimitState } from '#lib/wire/people';
import { LIMITS, readLimit } from './limit-list.ts';
import { PEOPLE_STRINGS } from './strings.ts';

const { keys: STRINGS } = PEOPLE_STRINGS;

/** What is typed for each limit of a key. */
export type KeyLimitTexts = Partial<Record<LimitName, string>>;

/** The limit of the person under this name; undefined without one. */
export function ownLimit(name: LimitName, own: readonly LimitState[]): number | undefined {
  return own.find((limit) => limit.name === name)?.limit;
}

/** The limits that are typed, or what is wrong with them. Empty and 0 are none. */
export function readKeyLimits(
  texts: KeyLimitTexts,
  own: readonly LimitState[],
): { limits: KeyLimits; wrong: Partial<Record<LimitName, string>> } {
  const limits: KeyLimits = {};
  const wrong: Partial<Record<LimitName, string>> = {};
  for (const { name } of LIMITS) {
    const limit = readLimit(texts[name] ?? '');
    const most = ownLimit(name, own);
    if (limit === undefined) wrong[name] = STRINGS.wrongLimit;
    else if (limit !== null && most !== undefined && limit > most) wrong[name] = STRINGS.aboveOwn(most);
    else if (limit !== null && limit > 0) limits[name] = limit;
  }
  return { limits, wrong };
}

/** The texts of the limits that a key has. */
export function textsOfKey(limits: KeyLimits): KeyLimitTexts {
  const texts: KeyLimitTexts = {};
  for (const { name } of LIMITS) if (limits[name] !== undefined) texts[name] = String(limits[name]);
  return texts;
}

/** The change that makes `after` of `before`. */
export function keyLimitChanges(before: KeyLimits, after: KeyLimits): KeyLimitsChange {
  const changes: KeyLimitsChange = {};
  for (const { name } of LIMITS) if (before[name] !== after[name]) changes[name] = after[name] ?? null;
  return changes;
}
