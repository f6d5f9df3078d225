import { findLanguageInfo } from '#lib/languages/infos';
import type { LanguageId } from '#lib/wire/code';

/** The name of a program's main file. The runner renames Java's after its public class. */
export function mainFileName(language: LanguageId): string {
  return `${language === 'java' ? 'Main' : 'main'}.${findLanguageInfo(language)?.extension ?? 'txt'}`;
}
