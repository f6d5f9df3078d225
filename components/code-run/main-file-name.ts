import { findLanguageInfo } from '#lib/languages/infos';
import type { LanguageId } from '#lib/wire/code';

/** The main file's name. The runner may give it another (`LanguageInfo.mainFileNamedAfter`). */
export function mainFileName(language: LanguageId): string {
  return findLanguageInfo(language)?.mainFile ?? 'main.txt';
}
