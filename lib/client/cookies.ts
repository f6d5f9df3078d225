/** Whether the chat's history stands beside the chat: `open` or `closed`. */
export const HISTORY_COOKIE = 'history';

const ONE_YEAR_SECONDS = 365 * 24 * 60 * 60;

/**
 * Keeps a choice that the server must know to render the page right at once. `document.cookie`, not the cookie store:
 * that one is missing where the app is reached over plain http.
 */
export function setCookie(name: string, value: string): void {
  document.cookie = `${name}=${encodeURIComponent(value)}; path=/; max-age=${ONE_YEAR_SECONDS}; samesite=lax`;
}
