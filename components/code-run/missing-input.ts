import { findLanguageInfo } from '#lib/languages/infos';
import type { CodeRequest, CodeResult } from '#lib/wire/code';

/**
 * Why a run without input may be wrong: the program `asked` for input and failed at its end, or it
 * `reads` input somewhere.
 */
export type MissingInput = 'asked' | 'reads';

/** Undefined if the program had input, reads none, or was stopped. Pure. */
export function missingInput(program: CodeRequest, result: CodeResult): MissingInput | undefined {
  if ((program.stdin ?? '') !== '' || result.stage !== 'run') return undefined;
  if (result.status !== 'success' && result.status !== 'runtime_error') return undefined;
  const input = findLanguageInfo(program.language)?.input;
  if (input === undefined) return undefined;
  if (result.status === 'runtime_error' && input.ended?.test(result.stderr) === true) return 'asked';
  const sources = [program.code, ...(program.files ?? []).map(({ content }) => content)];
  return sources.some((source) => input.reads.test(source)) ? 'reads' : undefined;
}
