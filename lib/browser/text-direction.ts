export type Direction = 'ltr' | 'rtl';

/** Letters of right-to-left scripts. */
const FROM_RIGHT =
  /[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}\p{Script=Adlam}\p{Script=Mandaic}\p{Script=Samaritan}\p{Script=Hanifi_Rohingya}]/u;

/** The direction of the first letter, or `otherwise` without one. */
export function directionOf(text: string, otherwise: Direction = 'ltr'): Direction {
  const [first] = /\p{L}/u.exec(text) ?? [];
  if (first === undefined) return otherwise;
  return FROM_RIGHT.test(first) ? 'rtl' : 'ltr';
}

/**
 * The `dir` of a text field. `auto` gives each paragraph its direction, but is slow in Chromium
 * for large texts: those get the direction of their first letter.
 */
export function fieldDirection(text: string): 'auto' | Direction {
  return text.length > LARGE_CHARACTERS ? directionOf(text.slice(0, LARGE_CHARACTERS)) : 'auto';
}

const LARGE_CHARACTERS = 8_000;
