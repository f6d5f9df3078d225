import { AppError } from '#lib/errors';

export const KIB = 1024;
export const MIB = 1024 * KIB;

export function bodyTooLarge(limitBytes: number, what = 'The body'): AppError {
  const size = limitBytes >= MIB ? `${Math.round(limitBytes / MIB)} MiB` : `${Math.round(limitBytes / KIB)} KiB`;
  return new AppError('body_too_large', `${what} is too large: at most ${size} are accepted here.`);
}
