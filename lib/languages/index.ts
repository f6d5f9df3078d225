import { cpp } from '#lib/languages/cpp/runner';
import { go } from '#lib/languages/go/runner';
import { java } from '#lib/languages/java/runner';
import { javascript } from '#lib/languages/javascript/runner';
import type { Language } from '#lib/languages/language';
import { python } from '#lib/languages/python/runner';
import { rust } from '#lib/languages/rust/runner';
import { typescript } from '#lib/languages/typescript/runner';

export const LANGUAGES: readonly Language[] = [python, javascript, typescript, java, cpp, go, rust];

const bySpelling = new Map(
  LANGUAGES.flatMap((language) => [language.id, ...language.aliases].map((spelling) => [spelling, language] as const)),
);

/** The language under its id or an alias, in any case; undefined where there is none. */
export function findLanguage(spelling: string): Language | undefined {
  return bySpelling.get(spelling.trim().toLowerCase());
}
