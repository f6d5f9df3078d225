import { bash } from '#lib/languages/bash/runner';
import { c } from '#lib/languages/c/runner';
import { cpp } from '#lib/languages/cpp/runner';
import { go } from '#lib/languages/go/runner';
import { java } from '#lib/languages/java/runner';
import { javascript } from '#lib/languages/javascript/runner';
import type { Language } from '#lib/languages/language';
import { languageIdOf } from '#lib/languages/language-names';
import { python } from '#lib/languages/python/runner';
import { rust } from '#lib/languages/rust/runner';
import { typescript } from '#lib/languages/typescript/runner';

/** Every language with its runner, in the order of `LANGUAGE_INFOS`. */
export const LANGUAGES: readonly Language[] = [python, javascript, typescript, java, cpp, go, rust, c, bash];

/** The language with this id or alias, in any case; undefined if no language has it. */
export function findLanguage(spelling: string): Language | undefined {
  const id = languageIdOf(spelling);
  return LANGUAGES.find((language) => language.id === id);
}
