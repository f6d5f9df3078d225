/** Whether the history panel is `open` or `closed`. */
export const HISTORY_COOKIE = 'history';

/** The hash of the model notice that the reader has hidden. */
export const NOTICE_COOKIE = 'notice';

/**
 * Set if this browser stores a program: the playground then does not start with the first sample.
 */
export const PROGRAM_COOKIE = 'program';

const ONE_YEAR_SECONDS = 365 * 24 * 60 * 60;

/**
 * Stores a choice that the server needs for rendering. Uses `document.cookie` because the Cookie
 * Store API is missing over plain http.
 */
export function setCookie(name: string, value: string): void {
  document.cookie = `${name}=${encodeURIComponent(value)}; path=/; max-age=${ONE_YEAR_SECONDS}; samesite=lax`;
}

export function clearCookie(name: string): void {
  document.cookie = `${name}=; path=/; max-age=0; samesite=lax`;
}

/** A short hash of a text: FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/. */
export function shortHash(text: string): string {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return (hash >>> 0).toString(36);
}
