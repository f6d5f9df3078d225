/** Bytes in a KiB. */
export const KIB = 1024;
/** Bytes in a MiB. Settings and wire fields whose names end in `_MB` and `_mb` count MiB too. */
export const MIB = 1024 * KIB;

export const SECOND_MS = 1_000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;
export const DAY_SECONDS = DAY_MS / SECOND_MS;

/** A size as users read it: whole MiB from 1 MiB on, otherwise whole KiB. */
export function formatBytes(bytes: number): string {
  return bytes >= MIB ? `${Math.round(bytes / MIB)} MiB` : `${Math.round(bytes / KIB)} KiB`;
}
