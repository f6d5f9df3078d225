/*
 * Markup for a string in a page's script: there each `<`, `>` and `&` is six characters (`\u003c`) and each quote two, which makes it nearly twice
 * as long and, with its escapes, slow to read. Packed, it has letters in their place that the markup itself has not: the packed string names
 * them first, in this order.
 */
const ESCAPED = ['<', '>', '&', '"', '\\'] as const;
/** Of one byte each, and nothing to JSON or to a script. */
const SUBSTITUTES = '~^|`@$%*+!?_#{}[];=()';

/** Throws where there are too few letters that the markup has not. */
export function encodeMarkup(markup: string): string {
  const free = [...SUBSTITUTES].filter((letter) => !markup.includes(letter));
  if (free.length < ESCAPED.length) throw new Error('The markup has every letter that could stand for another.');
  const used = free.slice(0, ESCAPED.length);
  return used.join('') + ESCAPED.reduce((text, escaped, index) => text.replaceAll(escaped, `${used[index]}`), markup);
}

/** What was packed. */
export function decodeMarkup(packed: string): string {
  return ESCAPED.reduce(
    (text, escaped, index) => text.replaceAll(packed.charAt(index), () => escaped),
    packed.slice(ESCAPED.length),
  );
}
