/*
 * Encodes markup for a string in an inline script. There `<`, `>` and `&` take six characters each
 * (`\u003c`) and quotes two, which nearly doubles the size. The encoding substitutes characters
 * that the markup does not contain; the encoded string lists them first, in this order.
 */
const ESCAPED = ['<', '>', '&', '"', '\\'] as const;
/** Never escaped in JSON or in a script. One byte each, and the last ones two. */
const SUBSTITUTES = '~^|`@$%*+!?_#{}[];=()\x7f¤¦§¨¬±¶¸';

/** Throws if the markup leaves too few characters unused. */
export function encodeMarkup(markup: string): string {
  const free = [...SUBSTITUTES].filter((letter) => !markup.includes(letter));
  if (free.length < ESCAPED.length) throw new Error('The markup has every letter that could stand for another.');
  const used = free.slice(0, ESCAPED.length);
  return used.join('') + ESCAPED.reduce((text, escaped, index) => text.replaceAll(escaped, `${used[index]}`), markup);
}

export function decodeMarkup(packed: string): string {
  return ESCAPED.reduce(
    (text, escaped, index) => text.replaceAll(packed.charAt(index), () => escaped),
    packed.slice(ESCAPED.length),
  );
}
