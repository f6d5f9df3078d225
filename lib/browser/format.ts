import type { Percentiles } from '#lib/wire/server-stats';

/** Numbers and times for people. All functions are pure and independent of the locale. */

/** `820 ms`, `3.2 s`, `41 s`, `2 min 5 s`, `1 h 4 min`. */
export function formatDuration(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  return clock(Math.round(seconds));
}

/** As `formatDuration`, in whole seconds: `3 s`. */
export function formatSeconds(ms: number): string {
  return ms < 1000 ? 'less than a second' : clock(Math.round(ms / 1000));
}

function clock(whole: number): string {
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return whole % 60 === 0 ? `${minutes} min` : `${minutes} min ${whole % 60} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  const days = Math.floor(hours / 24);
  return hours % 24 === 0 ? `${days} days` : `${days} days ${hours % 24} h`;
}

/** Rounded: steps of 5 s up to a minute, half minutes up to ten, then whole minutes. */
export function formatApproximate(ms: number): string {
  const exact = ms / 1000;
  if (exact < 5) return 'a few seconds';
  if (exact <= 57.5) return `about ${Math.round(exact / 5) * 5} s`;
  if (exact < 600) {
    const halves = Math.round(exact / 30);
    return `about ${halves / 2} min`;
  }
  return `about ${Math.round(exact / 60)} min`;
}

/** `312 B`, `4.5 KB`, `128 MB`; powers of 1024. */
export function formatBytes(count: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  let value = count;
  let unit = 0;
  while (value >= 1023.5 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 || value >= 99.95 ? Math.round(value) : Number(value.toFixed(1))} ${units[unit] ?? 'B'}`;
}

/** `12,345`; at most one decimal below 10. */
export function formatCount(value: number): string {
  if (!Number.isFinite(value)) return '–';
  const text = Math.abs(value) < 10 ? String(Number(value.toFixed(1))) : String(Math.round(value));
  return text.replace(/\B(?=(\d{3})+$)/g, ',');
}

/** Per second: `12/s`, `1.5/s`, `0.03/s`. */
export function formatRate(perSecond: number): string {
  const digits = perSecond >= 1 ? 1 : perSecond >= 0.095 ? 2 : 3;
  return `${perSecond >= 9.95 ? formatCount(perSecond) : Number(perSecond.toFixed(digits))}/s`;
}

/** A percentage 0..100; at most one decimal below 10: `0.4%`. */
export function formatPercentage(value: number): string {
  return formatPercent(value / 100);
}

/** A fraction 0..1 as `42%`; at most one decimal below 10%. */
export function formatPercent(fraction: number): string {
  const value = fraction * 100;
  return `${Math.abs(value) < 9.95 ? Number(value.toFixed(1)) : Math.round(value)}%`;
}

/** `Today`, `Yesterday`, `Previous 7 days` or `Older`, by the reader's local days. */
export function dayGroup(at: number, now: number): string {
  const midnight = new Date(now).setHours(0, 0, 0, 0);
  if (at >= midnight) return 'Today';
  const dayMs = 24 * 60 * 60 * 1000;
  if (at >= midnight - dayMs) return 'Yesterday';
  return at >= midnight - 7 * dayMs ? 'Previous 7 days' : 'Older';
}

/** `14:03:59` in the reader's time zone, which a server-rendered page does not know. */
export function formatClockTime(at: number): string {
  const date = new Date(at);
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => String(part).padStart(2, '0')).join(':');
}

/** As `formatDuration`, with a decimal below 10 ms: `0.4 ms`. */
export function formatLatency(ms: number): string {
  return ms < 9.95 ? `${formatCount(ms)} ms` : formatDuration(ms);
}

export function formatMegabytes(count: number): string {
  return `${formatCount(count)} MB`;
}

/** A percentage 0..100 without decimals: `42%`. */
export function formatWholePercent(value: number): string {
  return `${Math.round(value)}%`;
}

/** p50, p95 and p99 as texts; `–` without a measurement. */
export function formatPercentiles({ p50, p95, p99 }: Percentiles, format = formatDuration): string[] {
  return [p50, p95, p99].map((value) => (value === null ? '–' : format(value)));
}
