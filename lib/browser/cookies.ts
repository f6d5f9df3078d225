/** Whether the chat's history stands beside the chat: `open` or `closed`. */
export const HISTORY_COOKIE = 'history';

/** The mark of the notice about the model that the reader has hidden. */
export const NOTICE_COOKIE = 'notice';

/** Set where this browser keeps programs of its own: then the playground's first sample is not what it will show. */
export const PROGRAM_COOKIE = 'program';

const ONE_YEAR_SECONDS = 365 * 24 * 60 * 60;

/**
 * Keeps a choice that the server must know to render the page right at once. `document.cookie`, not the cookie store:
 * that one is missing where the app is reached over plain http.
 */
export function setCookie(name: string, value: string): void {
  document.cookie = `${name}=${encodeURIComponent(value)}; path=/; max-age=${ONE_YEAR_SECONDS}; samesite=lax`;
}

/** A text in a few letters, the same for the same text: FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/. */
export function shortHash(text: string): string {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return (hash >>> 0).toString(36);
}
