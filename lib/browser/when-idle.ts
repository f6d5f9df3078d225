const LATEST_MS = 1_000;

/**
 * Calls `action` when the page has nothing more urgent to do, after a second at the latest. Returns
 * the function that cancels it. Browsers without `requestIdleCallback` wait that second.
 */
export function whenIdle(action: () => void): () => void {
  if (typeof requestIdleCallback === 'undefined') {
    const timer = setTimeout(action, LATEST_MS);
    return () => clearTimeout(timer);
  }
  const handle = requestIdleCallback(action, { timeout: LATEST_MS });
  return () => cancelIdleCallback(handle);
}
