import { LANGUAGE_INFOS } from '#lib/languages/infos';
import { SAMPLES } from '#lib/languages/samples';
import type { LanguageId, RunnerHealth } from '#lib/wire/code';
import { demoEngineOf } from '../code-run/demo/engines.ts';
import { PROGRAM_STRINGS as S } from './strings.ts';

/**
 * The languages to choose from, in the order of `LANGUAGE_INFOS`: those that the runner lists.
 * Until it responds only the chosen one, and while it is away all but those that are opt-in.
 */
export function languageOptions(health: RunnerHealth | undefined, isAway: boolean, chosen: LanguageId) {
  if (isAway)
    return LANGUAGE_INFOS.filter(({ id, isOptIn }) => id === chosen || isOptIn !== true).map(({ id, name }) => ({
      value: id,
      label: name,
      hint: demoEngineOf(id) === undefined ? S.hintExampleOnly : S.hintInBrowser,
    }));
  const listed = LANGUAGE_INFOS.filter(({ id }) => id === chosen || health?.languages.includes(id) === true);
  return listed.map(({ id, name }) => ({ value: id, label: name, hint: hint(health, id) }));
}

/** The recorded output of a sample: of the one that `code` is, or of the language's first. */
export function sampleResult(language: LanguageId, code: string) {
  const samples = SAMPLES[language];
  const own = samples.find((sample) => sample.code === code && sample.output !== undefined);
  const shown = own ?? samples.find((sample) => sample.output !== undefined);
  if (shown?.output === undefined) return undefined;
  return { title: shown.title, output: shown.output, isThisProgram: own !== undefined };
}

function hint(health: RunnerHealth | undefined, id: LanguageId): string | undefined {
  if (health === undefined) return undefined;
  return health.languages.includes(id) ? health.versions[id] : S.hintUnavailable;
}

/** The language of a file by its extension; undefined for data. */
export function languageOfFileName(name: string): LanguageId | undefined {
  const extension = /\.([^.]+)$/.exec(name)?.[1];
  if (extension === undefined) return undefined;
  return LANGUAGE_INFOS.find((info) => info.extension === extension || info.otherExtensions?.includes(extension))?.id;
}
