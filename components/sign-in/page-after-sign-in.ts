/**
 * The URL that `?next=` names if it has this origin, else the chat. The parsed URL is returned: a
 * browser could parse the raw text differently and leave the origin.
 *
 * A browser keeps the fragment of a page that is redirected to the sign-in page (RFC 9110 section
 * 10.2.2), so the fragment of the sign-in page belongs to `next`: a shared program stands in it.
 */
export function pageAfterSignIn({ search, origin, hash = '' }: SignInPage): string {
  const next = new URLSearchParams(search).get('next') ?? '/';
  const url = URL.canParse(next, origin) ? new URL(next, origin) : undefined;
  if (url?.origin !== origin || !url.protocol.startsWith('http')) return `${origin}/`;
  if (url.hash === '') url.hash = hash;
  return url.href;
}

/** Whether the address of the sign-in page names a page to go on to. */
export function leadsToPage({ search }: Pick<Location, 'search'>): boolean {
  return new URLSearchParams(search).has('next');
}

type SignInPage = Pick<Location, 'search' | 'origin'> & Partial<Pick<Location, 'hash'>>;
