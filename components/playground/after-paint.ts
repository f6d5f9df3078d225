const PATIENCE_MS = 100;

/** Resolves once what was rendered can be seen. A page that nobody looks at paints nothing, and waits only a moment. */
export function afterPaint(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, PATIENCE_MS);
    requestAnimationFrame(() => setTimeout(resolve));
  });
}
