/**
 * Begins to fetch a part that a page is about to ask for, while the rest of the page comes alive. Whoever asks for it finds it on its
 * way; one that could not be fetched is asked for again by then, and what that says is what counts.
 */
export function fetchBeside(load: () => Promise<unknown>): void {
  if (typeof window !== 'undefined') load().catch(() => {});
}
