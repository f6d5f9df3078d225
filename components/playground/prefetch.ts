/** Starts to fetch a part of the page during hydration. The later import reuses the request. */
export function prefetch(load: () => Promise<unknown>): void {
  if (typeof window !== 'undefined') load().catch(heardByWhoAsks);
}

/** The later import reports the failure. */
function heardByWhoAsks(): void {}
