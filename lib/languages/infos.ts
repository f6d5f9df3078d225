import { info as bash } from '#lib/languages/bash/info';
import { info as c } from '#lib/languages/c/info';
import { info as cpp } from '#lib/languages/cpp/info';
import { info as go } from '#lib/languages/go/info';
import { info as java } from '#lib/languages/java/info';
import { info as javascript } from '#lib/languages/javascript/info';
import type { LanguageInfo } from '#lib/languages/language-info';
import { info as python } from '#lib/languages/python/info';
import { info as rust } from '#lib/languages/rust/info';
import { info as typescript } from '#lib/languages/typescript/info';

const INFOS = [python, javascript, typescript, java, cpp, go, rust, c, bash] as const;

export type LanguageId = (typeof INFOS)[number]['id'];
/** The id of a language that has a remote executor, which others may share. */
export type ExecutorName = (typeof INFOS)[number]['executor']['name'];

export type KnownLanguage = LanguageInfo & {
  id: LanguageId;
  executor: { name: ExecutorName; port: number };
};

/** Every language, in the order in which people see them. */
export const LANGUAGE_INFOS: readonly KnownLanguage[] = INFOS;

/** The language that an empty playground begins with. */
export const FIRST_LANGUAGE: KnownLanguage = python;

export function findLanguageInfo(id: string): KnownLanguage | undefined {
  return LANGUAGE_INFOS.find((info) => info.id === id);
}
