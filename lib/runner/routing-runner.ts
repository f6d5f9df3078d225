import type { Config } from '#lib/config/config';
import { AppError } from '#lib/errors';
import { findLanguage } from '#lib/languages/index';
import type { Language } from '#lib/languages/language';
import { enabledLanguages, executorUrls } from '#lib/runner/enabled-languages';
import { RemoteExecutor } from '#lib/runner/remote/remote-executor';
import { RunStatistics } from '#lib/runner/run-statistics';
import type { Runner } from '#lib/runner/runner';
import type { Metrics } from '#lib/telemetry/metrics';
import type { CodeResult, RunnerHealth } from '#lib/wire/code';
import type { ExecutorHealth } from '#lib/wire/executor';

/** A runner that sends some languages elsewhere. */
export interface RoutingRunner extends Runner {
  /** What this process offers: all languages, or those of its role. */
  readonly languages: readonly Language[];
  /** One language alone, so that another one's executor cannot delay the answer. */
  languageHealth(language: Language): Promise<ExecutorHealth>;
  /** Of the languages that are run elsewhere; none where all are run here. */
  executorsHealth(): Promise<ExecutorHealth[]>;
}

/** Puts the executors of the settings before `local`, which runs the other languages. */
export function createRoutingRunner(local: Runner, settings: Config, metrics: Metrics): RoutingRunner {
  const languages = enabledLanguages(settings);
  const remotes = new Map<Language, RemoteExecutor>();
  for (const language of languages) {
    const urls = executorUrls(language, settings);
    if (urls.length > 0) remotes.set(language, new RemoteExecutor(language, urls, settings));
  }
  const isLocal = remotes.size < languages.length;
  // One count over both, so that the percentiles are of all runs.
  const statistics = new RunStatistics();
  let remotely = 0;

  const remoteOf = (spelling: string): RemoteExecutor | undefined => {
    const language = findLanguage(spelling);
    if (language !== undefined && !languages.includes(language))
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
    const [here, elsewhere] = await Promise.all([local.health(), executorsHealth()]);
    const found = elsewhere.filter(({ status }) => status === 'healthy');
    const there = new Set([...here.languages, ...found.map(({ language }) => language)]);
    const notices = [
      ...(isLocal ? (here.notices ?? []) : []),
      ...elsewhere.flatMap(({ notice }) => (notice === null ? [] : [notice])),
    ];
    const { notices: _local, ...base } = here;
    return {
      ...base,
      languages: languages.map(({ id }) => id).filter((id) => there.has(id)),
      sandbox: isLocal ? here.sandbox : (found[0]?.sandbox ?? 'unavailable'),
      versions: {
        ...here.versions,
        ...Object.fromEntries(
          found.flatMap(({ language, version }) => (version === null ? [] : [[language, version]])),
        ),
      },
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
      let result: CodeResult;
      if (remote === undefined) result = await local.run(request, options);
      else {
        remotely += 1;
        result = await remote.run(request, options).finally(() => {
          remotely -= 1;
        });
      }
      const id = findLanguage(request.language)?.id;
      if (id !== undefined) statistics.record(id, result.status, result.duration_ms);
      if (id !== undefined && remote !== undefined) {
        metrics.codeRuns.inc({ language: id, status: result.status });
        metrics.codeDuration.observe({ language: id }, result.duration_ms / 1000);
      }
      return result;
    },

    validate: async (request, options) => {
      const remote = remoteOf(request.language);
      return await (remote === undefined ? local.validate(request, options) : remote.validate(request, options.signal));
    },

    prepared: () => local.prepared(),

    stats: () => {
      const here = local.stats();
      return { ...here, ...statistics.report, active: here.active + remotely };
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
  const isThere = languages.includes(id);
  return {
    status: isThere ? 'healthy' : 'unavailable',
    language: id,
    version: versions[id] ?? null,
    sandbox,
    notice: isThere ? null : (notices.find((notice) => notice.startsWith(name)) ?? notices[0] ?? null),
  };
}
