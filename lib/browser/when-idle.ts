/**
 * Runs `action` once the browser is idle, or after `patienceMs`. Returns the function that cancels
 * it.
 */
export function whenIdle(action: () => void, patienceMs: number): () => void {
  // Safari lacks `requestIdleCallback`.
  if (typeof requestIdleCallback === 'undefined') {
    const timer = setTimeout(action, WITHOUT_IDLE_MS);
    return () => clearTimeout(timer);
  }
  const handle = requestIdleCallback(action, { timeout: patienceMs });
  return () => cancelIdleCallback(handle);
}

const WITHOUT_IDLE_MS = 50;
