import type { Config } from '#lib/config/config';
import { LANGUAGES } from '#lib/languages/index';
import type { Language } from '#lib/languages/language';

/** The languages of a process, and where each of them runs. Pure. */

/** All languages, or those of the executor role: JavaScript's executor also runs TypeScript. */
export function enabledLanguages({ EXECUTOR_LANGUAGE: role }: Pick<Config, 'EXECUTOR_LANGUAGE'>): readonly Language[] {
  if (role === undefined) return LANGUAGES;
  return LANGUAGES.filter(({ id }) => id === role || (role === 'javascript' && id === 'typescript'));
}

/** The URLs of a language's remote executors; none if it runs here, as in an executor itself. */
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

/** The enabled languages that run on this machine, whose toolchains are needed here. */
export function localLanguages(settings: Config): readonly Language[] {
  return enabledLanguages(settings).filter((language) => executorUrls(language, settings).length === 0);
}
