import type { Config } from '#lib/config/config';
import { VERSION } from '#lib/config/version';
import { AppError } from '#lib/errors';
import type { Principal } from '#lib/http/principal';
import { Admission } from '#lib/runner/admission';
import { CompileCache } from '#lib/runner/compile-cache';
import { localLanguages } from '#lib/runner/enabled-languages';
import { execute } from '#lib/runner/execution';
import { SandboxTemplates } from '#lib/runner/pool/sandbox-templates';
import { type SandboxTemplate, WarmPool } from '#lib/runner/pool/warm-pool';
import { checkRequest, type Program } from '#lib/runner/program';
import type { ProbeResult } from '#lib/runner/sandbox/probe/probe';
import type { Sandbox } from '#lib/runner/sandbox/sandbox';
import { Toolchains } from '#lib/runner/toolchains';
import { validate } from '#lib/runner/validate';
import type { Logger } from '#lib/telemetry/log';
import type { CodeRequest, CodeResult, RunnerHealth } from '#lib/wire/code';
import type { ValidateResult } from '#lib/wire/executor';
import type { RunnerStats } from '#lib/wire/server-stats';

export interface RunOptions {
  /** The user or key that the run counts for; admission is fair between callers. */
  caller: string;
  /** Whose usage it is. Undefined for work that no caller asked for. */
  principal?: Principal | undefined;
  /** Ends the run, also while it waits. */
  signal?: AbortSignal | undefined;
  /** The program was admitted: from now on there will be a result. */
  onStart?: (() => void) | undefined;
  /**
   * Output while the program runs, in whole characters. Joined, it is the output of the result.
   */
  onOutput?: ((stream: 'stdout' | 'stderr', text: string) => void) | undefined;
}

export interface Runner {
  /**
   * Runs a program to its end. A program that fails is a result, not an error. Throws an
   * `AppError`: `unsupported_language`, `invalid_request`, `code_too_large`,
   * `language_unavailable`, `sandbox_unavailable`, `runner_busy`, `shutting_down`, `cancelled`.
   */
  run(request: CodeRequest, options: RunOptions): Promise<CodeResult>;
  /**
   * Parses or type-checks a program without running it. An invalid program is a result, not an
   * error. Waits in a queue apart from that of runs, and throws the same errors.
   */
  validate(
    request: Pick<CodeRequest, 'language' | 'code' | 'files'>,
    options: Pick<RunOptions, 'caller' | 'signal'>,
  ): Promise<ValidateResult>;
  /** Resolves when all toolchains are prepared, some of which takes minutes at the first start. */
  prepared(): Promise<void>;
  /** The installed languages, and the tier of the sandbox. */
  health(): Promise<RunnerHealth>;
  /** What runs and waits at this moment, with the warm sandboxes: their memory is read for it. */
  load(): RunnerLoad;
  /** What runs and waits at this moment, from memory. */
  occupancy(): Pick<RunnerLoad, 'active' | 'waiting'>;
  /** Ends all runs and releases their resources. Later runs are refused. */
  close(): Promise<void>;
}

/** The part of the statistics that is not counted (see `countRuns`). */
export type RunnerLoad = Omit<RunnerStats, 'total_runs' | 'runs' | 'duration_ms'>;

export interface RunnerDependencies {
  settings: Config;
  cores: number;
  log: Logger;
  probe: () => Promise<ProbeResult>;
}

interface ProbedRunner {
  pool: WarmPool;
  templates: SandboxTemplates;
  sandbox: Sandbox;
  toolchains: Toolchains;
  warning: string | undefined;
}

/** How long after a run the pool is refilled. */
export const REFILL_DELAY_MS = 6;
const POOL_IDLE_MS = 10 * 60_000;
const PROBE_FAILED_MESSAGE =
  'Code cannot be run here: the sandbox could not be tried on this machine. The log of the server says why.';

/** Creates the runner that runs programs on this machine. */
export function createRunner(dependencies: RunnerDependencies): Runner {
  const { settings, cores } = dependencies;
  const capacity = settings.CODE_MAX_CONCURRENT || cores;
  const runAdmission = new Admission(capacity, settings.CODE_MAX_QUEUE);
  // An editor validates while its user types, which must never delay a run.
  const validationAdmission = new Admission(Math.max(1, Math.floor(capacity / 2)), settings.CODE_MAX_QUEUE);
  const cache = new CompileCache();
  const closing = new AbortController();
  const pending = new Set<Promise<unknown>>();
  let probing: Promise<ProbedRunner> | undefined;
  let tier = 'unknown';
  let pool: WarmPool | undefined;
  let closed: Promise<void> | undefined;

  /**
   * Probes once. A failed probe is repeated by the next request: a package may be installed by
   * then.
   */
  const probed = (): Promise<ProbedRunner> => {
    probing ??= probeRunner(dependencies).then(
      (found) => {
        tier = found.sandbox.tier;
        pool = found.pool;
        return found;
      },
      (error: unknown) => {
        probing = undefined;
        tier = 'unavailable';
        throw error;
      },
    );
    return probing;
  };

  /** Waits for admission. The caller must call `leave`. */
  const admit = async (admission: Admission, { language }: Program, { caller, signal }: RunOptions) => {
    if (closing.signal.aborted)
      throw new AppError('shutting_down', 'The server is shutting down. Try again in a moment.');
    const { sandbox, toolchains, pool, templates } = await probed();
    const toolchain = await toolchains.require(language);
    const ends = AbortSignal.any(signal === undefined ? [closing.signal] : [closing.signal, signal]);
    const leave = await Promise.try(() => admission.enter(caller, ends)).catch((error: unknown) => {
      throw AppError.is(error) ? error : new AppError('cancelled', 'The run was cancelled before it began.');
    });
    return { sandbox, toolchain, pool, templates: templates.of(language, toolchain), signal: ends, leave };
  };

  const run = async (request: CodeRequest, options: RunOptions): Promise<CodeResult> => {
    const program = checkRequest(request, settings);
    const { sandbox, toolchain, pool, templates, signal, leave } = await admit(runAdmission, program, options);
    const { interpreter, compiler, empty } = templates;
    const wanted = new Set([interpreter, compiler, empty].filter((template) => template !== undefined));
    const takeWarm = (template: SandboxTemplate) => {
      wanted.add(template);
      return pool.take(template);
    };
    try {
      options.onStart?.();
      const { onOutput } = options;
      const context = { settings, cores, cache, sandbox, templates, takeWarm, signal, onOutput };
      return await execute(program, toolchain, context);
    } finally {
      leave();
      // A refill takes all cores for a moment. The response goes out first, unless the next run
      // would find no sandbox.
      const delayMs = [...wanted].some((template) => pool.isExhausted(template)) ? 0 : REFILL_DELAY_MS;
      setTimeout(() => {
        for (const template of wanted) pool.refill(template);
      }, delayMs);
    }
  };

  const runValidation = async (request: CodeRequest, options: RunOptions): Promise<ValidateResult> => {
    const program = checkRequest(request, settings);
    const { sandbox, toolchain, signal, leave } = await admit(validationAdmission, program, options);
    try {
      return await validate(program, toolchain, sandbox, { settings, cores, signal });
    } finally {
      leave();
    }
  };

  /** The sandbox is closed only after all tracked work has ended. Callers get its failures. */
  const track = <T>(work: Promise<T>): Promise<T> => {
    const settled = work.catch(() => {});
    pending.add(settled);
    void settled.then(() => pending.delete(settled));
    return work;
  };

  const close = async (): Promise<void> => {
    closing.abort();
    await Promise.all(pending);
    // A probe that failed has reported it to the runs, and has opened nothing.
    const found = await probing?.catch(() => undefined);
    await found?.toolchains.survey();
    await found?.pool.close();
    await found?.sandbox.close();
    cache.close();
  };

  return {
    run: (request, options) => track(run(request, options)),

    validate: (request, options) => track(runValidation(request, options)),

    prepared: async () => (await probed()).toolchains.settled(),

    health: async () => {
      const base = { status: 'ok', service: 'chill-space-code-runner', version: VERSION } as const;
      let found: ProbedRunner;
      try {
        found = await probed();
      } catch (error) {
        if (!AppError.is(error)) throw error;
        return { ...base, languages: [], sandbox: 'unavailable', versions: {}, notices: [error.message] };
      }
      const { installed, notices } = await found.toolchains.survey();
      if (found.warning !== undefined) notices.unshift(found.warning);
      return {
        ...base,
        languages: [...installed.keys()].map((language) => language.id),
        sandbox: found.sandbox.tier,
        versions: Object.fromEntries([...installed].map(([language, { version }]) => [language.id, version])),
        ...(notices.length > 0 ? { notices } : {}),
      };
    },

    occupancy: () => ({ active: runAdmission.active, waiting: runAdmission.waiting }),

    load: () => ({
      sandbox: tier,
      active: runAdmission.active,
      waiting: runAdmission.waiting,
      max_concurrent: runAdmission.capacity,
      warm: pool?.report() ?? [],
    }),

    close: () => {
      closed ??= close();
      return closed;
    },
  };
}

async function probeRunner({ settings, cores, log, probe }: RunnerDependencies): Promise<ProbedRunner> {
  const result = await probe().catch((error: unknown): ProbeResult => {
    log.error({ err: error }, 'the sandbox could not be tried');
    return { sandbox: undefined, reason: PROBE_FAILED_MESSAGE };
  });
  if (result.sandbox === undefined) {
    log.warn({ sandbox: 'unavailable' }, result.reason);
    throw new AppError('sandbox_unavailable', result.reason);
  }
  const { sandbox, warning } = result;
  if (warning !== undefined) log.warn({ sandbox: sandbox.tier }, warning);
  log.info({ sandbox: sandbox.tier }, 'code runner ready');
  const pool = new WarmPool({
    size: settings.CODE_MAX_CONCURRENT || cores,
    megabytes: settings.CODE_WARM_MEMORY_MB,
    idleMs: POOL_IDLE_MS,
  });
  const templates = new SandboxTemplates(sandbox, settings, cores);
  return { sandbox, pool, templates, toolchains: new Toolchains(sandbox, localLanguages(settings)), warning };
}
