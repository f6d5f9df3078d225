import { CODE_RUN_STRINGS as STRINGS } from './strings.ts';

/** Output is cut in the middle to this length before a model gets it. */
const KEPT_CHARACTERS = 4_000;

export function shortenedOutput(text: string): string {
  if (text.length <= KEPT_CHARACTERS) return text;
  const half = KEPT_CHARACTERS / 2;
  return `${text.slice(0, half)}\n${STRINGS.leftOut(text.length - KEPT_CHARACTERS)}\n${text.slice(-half)}`;
}
