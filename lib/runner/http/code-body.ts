import type { Config } from '#lib/config/config';
import { MIB } from '#lib/units';

/** A byte of text can take six in JSON (`\u0000`). */
export const JSON_ESCAPE_BYTES = 6;

/** The largest body with a program: the escaped program, and 1 MiB for stdin and the rest. */
export function codeBodyLimit({ CODE_MAX_BYTES }: Pick<Config, 'CODE_MAX_BYTES'>): number {
  return JSON_ESCAPE_BYTES * CODE_MAX_BYTES + MIB;
}
