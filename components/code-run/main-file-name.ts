import { findLanguageInfo } from '#lib/languages/infos';
import type { LanguageId } from '#lib/wire/code';

/** The main file's name. The runner may give it another (`LanguageInfo.mainFileNamedAfter`). */
export function mainFileName(language: LanguageId | undefined): string {
  return (language && findLanguageInfo(language)?.mainFile) ?? 'main.txt';
}
