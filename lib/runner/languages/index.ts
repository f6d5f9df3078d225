import { cpp } from '#lib/runner/languages/cpp';
import { go } from '#lib/runner/languages/go';
import { java } from '#lib/runner/languages/java';
import { javascript } from '#lib/runner/languages/javascript';
import type { Language } from '#lib/runner/languages/language';
import { python } from '#lib/runner/languages/python';
import { rust } from '#lib/runner/languages/rust';
import { typescript } from '#lib/runner/languages/typescript';

export const LANGUAGES: readonly Language[] = [python, javascript, typescript, java, cpp, go, rust];

const bySpelling = new Map(
  LANGUAGES.flatMap((language) => [language.id, ...language.aliases].map((spelling) => [spelling, language] as const)),
);

/** The language under its id or an alias, in any case; undefined where there is none. */
export function findLanguage(spelling: string): Language | undefined {
  return bySpelling.get(spelling.trim().toLowerCase());
}
