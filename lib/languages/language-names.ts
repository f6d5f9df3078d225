import { LANGUAGE_INFOS, type LanguageId } from '#lib/languages/infos';

const idBySpelling = new Map(
  LANGUAGE_INFOS.flatMap(({ id, aliases }) => [id, ...aliases].map((spelling) => [spelling, id] as const)),
);

/** The id of a language by its id or alias, in any case; undefined if no language has it. */
export function languageIdOf(spelling: string): LanguageId | undefined {
  return idBySpelling.get(spelling.trim().toLowerCase());
}

/** The languages that a server offers by default. */
export const DEFAULT_LANGUAGES = idsOf(false);
/** The languages that a server offers only if `CODE_LANGUAGES` names them. */
export const OPT_IN_LANGUAGES = idsOf(true);

function idsOf(isOptIn: boolean): LanguageId[] {
  return LANGUAGE_INFOS.filter((info) => (info.isOptIn ?? false) === isOptIn).map(({ id }) => id);
}

/** Joins words as a sentence does: `a, b and c`. Pure. */
export function joinWords(words: readonly string[], conjunction: 'and' | 'or'): string {
  return [words.slice(0, -1).join(', '), words.at(-1)].filter(Boolean).join(` ${conjunction} `);
}

/** The ids and aliases, for API documentation. */
export function describeLanguages(): string {
  const aliases = LANGUAGE_INFOS.flatMap((info) => info.aliases);
  const optIn = `${joinWords(OPT_IN_LANGUAGES, 'and')} where CODE_LANGUAGES names them`;
  return `${joinWords(DEFAULT_LANGUAGES, 'or')}, and ${optIn}; also ${aliases.join(', ')}.`;
}
