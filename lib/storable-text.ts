/**
 * A text of a client or a model server as both engines keep it: Postgres takes no NUL, and several
 * lone surrogates become one character in UTF-8, so that two keys become one.
 */
export function storableText(text: string): string {
  return text.toWellFormed().replaceAll('\0', '');
}
