/**
 * The URL that `?next=` names if it has this origin, else the chat. The parsed URL is returned: a
 * browser could parse the raw text differently and leave the origin.
 */
export function pageAfterSignIn({ search, origin }: Pick<Location, 'search' | 'origin'>): string {
  const next = new URLSearchParams(search).get('next') ?? '/';
  const url = URL.canParse(next, origin) ? new URL(next, origin) : undefined;
  return url?.origin === origin && url.protocol.startsWith('http') ? url.href : `${origin}/`;
}
