const PATIENCE_MS = 100;

/** Resolves after the next paint. A hidden page does not paint and waits a moment instead. */
export function afterPaint(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, PATIENCE_MS);
    requestAnimationFrame(() => setTimeout(resolve));
  });
}
