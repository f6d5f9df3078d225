/**
 * The token of the link that opened the page. Removed from the address, so that it stays neither
 * in the history nor in a screenshot. A reload has it still.
 */
export function takeToken(page: string): string | undefined {
  const url = new URL(window.location.href);
  const fromLink = url.searchParams.get('token') ?? undefined;
  const key = `token:${page}`;
  if (fromLink === undefined) return read(key);
  url.searchParams.delete('token');
  try {
    sessionStorage.setItem(key, fromLink);
  } catch {
    // Without storage the token has to stay in the address.
    return fromLink;
  }
  window.history.replaceState(window.history.state, '', url);
  return fromLink;
}

/** Called when the token was used. */
export function forgetToken(page: string): void {
  try {
    sessionStorage.removeItem(`token:${page}`);
  } catch {
    // The browser blocks storage, and has kept none.
  }
}

function read(key: string): string | undefined {
  try {
    return sessionStorage.getItem(key) ?? undefined;
  } catch {
    return undefined;
  }
}
