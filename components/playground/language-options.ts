import { readStored } from '#lib/browser/local-storage';
import { findLanguageInfo, LANGUAGE_INFOS } from '#lib/languages/infos';
import type { LanguageId, RunnerHealth } from '#lib/wire/code';
import { demoEngineOf } from '../code-run/demo/engines.ts';

/** The languages to choose from: those that the runner lists, in our order; before it has answered, the chosen one; all while it is away. */
export function languageOptions(health: RunnerHealth | undefined, isAway: boolean, chosen: LanguageId) {
  if (isAway)
    return LANGUAGE_INFOS.map(({ id, label }) => ({
      value: id,
      label,
      hint: demoEngineOf(id) === undefined ? 'Sample result only' : 'Runs in this browser',
    }));
  const sheets = LANGUAGE_INFOS.filter(({ id }) => id === chosen || health?.languages.includes(id) === true);
  return sheets.map(({ id, label }) => ({ value: id, label, hint: hint(health, id) }));
}

/** What a sample of the language writes: this program's where it is a sample, else the first's. */
export function sampleResult(language: LanguageId, code: string) {
  const samples = findLanguageInfo(language)?.samples ?? [];
  const own = samples.find((sample) => sample.code === code && sample.output !== undefined);
  const shown = own ?? samples.find((sample) => sample.output !== undefined);
  if (shown?.output === undefined) return undefined;
  return { title: shown.title, output: shown.output, isThisProgram: own !== undefined };
}

/** What was last written in a language in this browser, or its first sample. */
export function storedCode(language: LanguageId): string {
  const saved = readStored(`playground:${language}`);
  return saved === '' ? (findLanguageInfo(language)?.samples[0].code ?? '') : saved;
}

function hint(health: RunnerHealth | undefined, id: LanguageId): string | undefined {
  if (health === undefined) return undefined;
  return health.languages.includes(id) ? health.versions[id] : 'Not installed on the server';
}

/** The language in which a file is written, by its extension; undefined for data. */
export function languageOfFileName(name: string): LanguageId | undefined {
  const extension = /\.([^.]+)$/.exec(name)?.[1];
  return FURTHER_EXTENSIONS[`${extension}`] ?? LANGUAGE_INFOS.find((sheet) => sheet.extension === extension)?.id;
}

const FURTHER_EXTENSIONS: Partial<Record<string, LanguageId>> = {
  ...{ h: 'cpp', hpp: 'cpp', cc: 'cpp', cxx: 'cpp' },
  ...{ mjs: 'javascript', cjs: 'javascript', mts: 'typescript', cts: 'typescript' },
};
