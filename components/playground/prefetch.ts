/** Begins to fetch a part that a page is about to ask for, while the rest of the page comes alive. Whoever asks for it finds it on its way. */
export function prefetch(load: () => Promise<unknown>): void {
  if (typeof window !== 'undefined') load().catch(heardByWhoAsks);
}

/** The page asks for the same part in a moment, and shows that it could not be had. */
function heardByWhoAsks(): void {}
