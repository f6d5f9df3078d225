/**
 * The address that `?next=` of the sign-in page names, if it is one of this server, else the chat.
 * It is returned as it was parsed: a browser would read the text once more, and might read another
 * host in it.
 */
export function pageAfterSignIn({ search, origin }: Pick<Location, 'search' | 'origin'>): string {
  const next = new URLSearchParams(search).get('next') ?? '/';
  const url = URL.canParse(next, origin) ? new URL(next, origin) : undefined;
  return url?.origin === origin && url.protocol.startsWith('http') ? url.href : `${origin}/`;
}
