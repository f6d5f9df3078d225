import { Fault } from '#lib/fault';

export const KIB = 1024;
export const MIB = 1024 * KIB;

export function tooLarge(limitBytes: number, what = 'The body'): Fault {
  const size = limitBytes >= MIB ? `${Math.round(limitBytes / MIB)} MiB` : `${Math.round(limitBytes / KIB)} KiB`;
  return new Fault('body_too_large', `${what} is too large: at most ${size} are accepted here.`);
}
