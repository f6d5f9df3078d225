import { type Setting, setting } from '#lib/config/settings/setting';
import { httpUrls, languageId, secret } from '#lib/config/settings/value-schemas';
import { type ExecutorName, LANGUAGE_INFOS } from '#lib/languages/infos';
import { joinWords } from '#lib/languages/language-names';

type ExecutorUrlName = `${Uppercase<ExecutorName>}_EXECUTOR_URL`;

/** Each remote executor once, with the languages that it runs. */
const EXECUTORS = LANGUAGE_INFOS.filter(({ id, executor }) => id === executor.name).map(({ executor }) => ({
  ...executor,
  languages: LANGUAGE_INFOS.filter((info) => info.executor.name === executor.name),
}));

const PORTS = EXECUTORS.map(({ port, languages }) => {
  const ids = languages.map(({ id }) => id);
  return `${port} ${joinWords(ids, 'and')}`;
}).join(', ');

/** The setting that has the addresses of a remote executor. */
export function executorUrlName(executor: ExecutorName): ExecutorUrlName {
  return `${executor.toUpperCase() as Uppercase<ExecutorName>}_EXECUTOR_URL`;
}

function executorUrls(): Record<ExecutorUrlName, Setting<string[]>> {
  const entries = EXECUTORS.map(({ name, languages }, index) => {
    const names = joinWords(
      languages.map((info) => info.name),
      'and',
    );
    const description =
      index === 0 ? `Where ${names} is run instead of here; replicas comma-separated.` : `The same for ${names}.`;
    return [executorUrlName(name), setting(httpUrls(), '', description)] as const;
  });
  return Object.fromEntries(entries) as Record<ExecutorUrlName, Setting<string[]>>;
}

export const EXECUTOR_SETTINGS = {
  EXECUTOR_LANGUAGE: setting(
    languageId().optional(),
    undefined,
    `Be the executor of this one language: PORT is then ${PORTS}, and there are no rate limits of code.`,
  ),
  ...executorUrls(),
  EXECUTOR_API_KEY: setting(secret().optional(), undefined, 'The key that these executors ask for.'),
};
