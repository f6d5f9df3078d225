declare global {
  interface Window {
    bench: { loadedMs?: number; wholeMs?: number; interactions?: Map<number, number> };
  }
}

/**
 * Runs in the page before all else: writes down when the end and the whole of the chat are there.
 */
export function observe(): void {
  const bench: Window['bench'] = {};
  window.bench = bench;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries())
      if ('interactionId' in entry && typeof entry.interactionId === 'number' && entry.interactionId > 0)
        bench.interactions?.set(
          entry.interactionId,
          Math.max(entry.duration, bench.interactions.get(entry.interactionId) ?? 0),
        );
  }).observe({ type: 'event', ...{ durationThreshold: 16 } });
  const look = () => {
    const last = document.querySelector('li:last-child > article .prose');
    if (
      bench.loadedMs === undefined &&
      last !== null &&
      !last.matches('.whitespace-pre-wrap') &&
      last.textContent !== ''
    )
      bench.loadedMs = performance.mark('loaded').startTime;
    if (document.querySelectorAll('article').length >= 300) bench.wholeMs = performance.now();
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}
