import { LANGUAGE_SHEETS, sheetOf } from '#lib/client/samples';
import { readStored } from '#lib/client/stored';
import type { LanguageId, RunnerHealth } from '#lib/wire/code';

/** The languages to choose from: those that the runner lists, in our order; before it has answered, the chosen one. */
export function languageOptions(health: RunnerHealth | undefined, chosen: LanguageId) {
  const sheets = LANGUAGE_SHEETS.filter(({ id }) => id === chosen || health?.languages.includes(id) === true);
  return sheets.map(({ id, label }) => ({ value: id, label, hint: hint(health, id) }));
}

/** What was last written in a language in this browser, or its first sample. */
export function savedCode(language: LanguageId): string {
  const saved = readStored(`playground:${language}`);
  return saved === '' ? (sheetOf(language)?.samples[0].code ?? '') : saved;
}

function hint(health: RunnerHealth | undefined, id: LanguageId): string | undefined {
  if (health === undefined) return undefined;
  return health.languages.includes(id) ? health.versions[id] : 'Not installed on the server';
}
