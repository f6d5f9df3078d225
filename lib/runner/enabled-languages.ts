import type { Config } from '#lib/config/config';
import { executorUrlName } from '#lib/config/settings/executors';
import { LANGUAGES } from '#lib/languages/index';
import type { Language } from '#lib/languages/language';

/** The languages of a process, and where each of them runs. Pure. */

/** The languages of `CODE_LANGUAGES`, or those of the one executor that this process is. */
export function enabledLanguages({
  CODE_LANGUAGES: enabled,
  EXECUTOR_LANGUAGE: role,
}: Pick<Config, 'CODE_LANGUAGES' | 'EXECUTOR_LANGUAGE'>): readonly Language[] {
  return LANGUAGES.filter(({ id, executor }) =>
    role === undefined ? enabled.includes(id) : id === role || executor.name === role,
  );
}

/** The URLs of a language's remote executors; none if it runs here, as in an executor itself. */
export function executorUrls({ executor }: Language, settings: Config): readonly string[] {
  if (settings.EXECUTOR_LANGUAGE !== undefined) return [];
  return settings[executorUrlName(executor.name)];
}

/** The enabled languages that run on this machine, whose toolchains are needed here. */
export function localLanguages(settings: Config): readonly Language[] {
  return enabledLanguages(settings).filter((language) => executorUrls(language, settings).length === 0);
}
