const NS_PER_UNIT: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3_600e9,
};
const NS_PER_MS = 1e6;
const PART = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g;
const DURATION = new RegExp(`^[-+]?(?:0|(?:${PART.source})+)$`);

/**
 * Parses a `keep_alive` as Ollama does: a number of seconds or a Go duration (`1h30m`,
 * https://pkg.go.dev/time#ParseDuration). Returns milliseconds, Infinity for negative values,
 * which mean forever, and undefined for what Ollama rejects.
 */
export function durationMs(keepAlive: number | string): number | undefined {
  if (typeof keepAlive === 'number') return keepAlive < 0 ? Number.POSITIVE_INFINITY : keepAlive * 1000;
  if (!DURATION.test(keepAlive)) return undefined;
  let ns = 0;
  // Go truncates to nanoseconds, so `-0.1ns` is 0 and not negative.
  for (const [, amount = '', unit = ''] of keepAlive.matchAll(PART))
    ns += Math.trunc(Number(amount) * (NS_PER_UNIT[unit] ?? 0));
  return keepAlive.startsWith('-') && ns > 0 ? Number.POSITIVE_INFINITY : ns / NS_PER_MS;
}
