import type { Config } from '#lib/config/config';
import { AppError } from '#lib/errors';
import { findLanguage } from '#lib/languages/index';
import type { Language } from '#lib/languages/language';
import { enabledLanguages, executorUrls } from '#lib/runner/enabled-languages';
import { RemoteExecutor } from '#lib/runner/remote/remote-executor';
import type { Runner } from '#lib/runner/runner';
import type { RunnerHealth } from '#lib/wire/code';
import type { ExecutorHealth } from '#lib/wire/executor';

/** A runner that sends the programs of some languages to remote executors. */
export interface RoutingRunner extends Runner {
  /** The languages of this process: all, or those of its role. */
  readonly languages: readonly Language[];
  /** The health of one language, which the executors of other languages cannot delay. */
  languageHealth(language: Language): Promise<ExecutorHealth>;
  /** The health of all remote executors. */
  executorsHealth(): Promise<ExecutorHealth[]>;
}

/** Routes each language to its executors in the settings; without any, to `local`. */
export function createRoutingRunner(local: Runner, settings: Config): RoutingRunner {
  const languages = enabledLanguages(settings);
  const remotes = new Map<Language, RemoteExecutor>();
  for (const language of languages) {
    const urls = executorUrls(language, settings);
    if (urls.length > 0) remotes.set(language, new RemoteExecutor(language, urls, settings));
  }
  const isLocal = remotes.size < languages.length;
  let activeRemotely = 0;

  const remoteOf = (spelling: string): RemoteExecutor | undefined => {
    const language = findLanguage(spelling);
    if (settings.EXECUTOR_LANGUAGE !== undefined && language !== undefined && !languages.includes(language))
      throw new AppError(
        'unsupported_language',
        `This server is an executor of ${languages.map(({ name }) => name).join(' and ')} only.`,
      );
    return language === undefined ? undefined : remotes.get(language);
  };

  const languageHealth = async (language: Language): Promise<ExecutorHealth> => {
    const remote = remotes.get(language);
    return remote === undefined ? localHealth(await local.health(), language) : await remote.health();
  };

  const executorsHealth = () => Promise.all([...remotes.values()].map((remote) => remote.health()));

  const health = async (): Promise<RunnerHealth> => {
    const [localReport, remoteReports] = await Promise.all([local.health(), executorsHealth()]);
    const { notices: localNotices = [], ...base } = localReport;
    const healthy = remoteReports.filter(({ status }) => status === 'healthy');
    const available = new Set([...base.languages, ...healthy.map(({ language }) => language)]);
    const notices = [
      ...(isLocal ? localNotices : []),
      ...remoteReports.flatMap(({ notice }) => (notice === null ? [] : [notice])),
    ];
    const remoteVersions = healthy.flatMap(({ language, version }) => (version === null ? [] : [[language, version]]));
    return {
      ...base,
      languages: languages.map(({ id }) => id).filter((id) => available.has(id)),
      sandbox: isLocal ? base.sandbox : (healthy[0]?.sandbox ?? 'unavailable'),
      versions: { ...base.versions, ...Object.fromEntries(remoteVersions) },
      ...(notices.length > 0 ? { notices } : {}),
    };
  };

  return {
    languages,
    languageHealth,
    executorsHealth,
    health: () => (remotes.size === 0 ? local.health() : health()),

    run: async (request, options) => {
      const remote = remoteOf(request.language);
      if (remote === undefined) return await local.run(request, options);
      activeRemotely += 1;
      return await remote.run(request, options).finally(() => {
        activeRemotely -= 1;
      });
    },

    validate: async (request, options) => {
      const remote = remoteOf(request.language);
      return await (remote === undefined ? local.validate(request, options) : remote.validate(request, options.signal));
    },

    prepared: () => local.prepared(),

    occupancy: () => {
      const { active, waiting } = local.occupancy();
      return { active: active + activeRemotely, waiting };
    },

    load: () => {
      const load = local.load();
      return { ...load, active: load.active + activeRemotely };
    },

    close: async () => {
      await Promise.all([local.close(), ...[...remotes.values()].map((remote) => remote.close())]);
    },
  };
}

function localHealth(
  { languages, versions, sandbox, notices = [] }: RunnerHealth,
  { id, name }: Language,
): ExecutorHealth {
  const isAvailable = languages.includes(id);
  return {
    status: isAvailable ? 'healthy' : 'unavailable',
    language: id,
    version: versions[id] ?? null,
    sandbox,
    notice: isAvailable ? null : (notices.find((notice) => notice.startsWith(`${name} is `)) ?? notices[0] ?? null),
  };
}
