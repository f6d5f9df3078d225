import type { Config } from '#lib/config/config';
import { LANGUAGES } from '#lib/languages/index';
import type { Language } from '#lib/languages/language';

/** Which languages a process offers, and where each of them is run. Pure. */

/** All languages, or those of the one executor that this process is: JavaScript's has TypeScript with it. */
export function enabledLanguages({ EXECUTOR_LANGUAGE: role }: Pick<Config, 'EXECUTOR_LANGUAGE'>): readonly Language[] {
  if (role === undefined) return LANGUAGES;
  return LANGUAGES.filter(({ id }) => id === role || (role === 'javascript' && id === 'typescript'));
}

/** The replicas that run a language elsewhere; none where it is run here. An executor runs its language itself. */
export function executorUrls({ id }: Language, settings: Config): readonly string[] {
  if (settings.EXECUTOR_LANGUAGE !== undefined) return [];
  const urls = {
    python: settings.PYTHON_EXECUTOR_URL,
    javascript: settings.JAVASCRIPT_EXECUTOR_URL,
    typescript: settings.JAVASCRIPT_EXECUTOR_URL,
    java: settings.JAVA_EXECUTOR_URL,
    cpp: settings.CPP_EXECUTOR_URL,
    go: settings.GO_EXECUTOR_URL,
    rust: settings.RUST_EXECUTOR_URL,
  };
  return urls[id];
}

/** The offered languages that are run on this machine, and so are looked for and prepared here. */
export function localLanguages(settings: Config): readonly Language[] {
  return enabledLanguages(settings).filter((language) => executorUrls(language, settings).length === 0);
}
