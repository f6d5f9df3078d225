import type { Config } from '#lib/config/config';
import { VERSION } from '#lib/config/version';
import { AppError } from '#lib/errors';
import { Admission } from '#lib/runner/admission';
import { CompileCache } from '#lib/runner/compile-cache';
import { execute } from '#lib/runner/execution';
import { SandboxTemplates } from '#lib/runner/pool/sandbox-templates';
import { type SandboxTemplate, WarmPool } from '#lib/runner/pool/warm-pool';
import { checkRequest, type Program } from '#lib/runner/program';
import { RunStatistics } from '#lib/runner/run-statistics';
import type { ProbeResult } from '#lib/runner/sandbox/probe/probe';
import type { Sandbox } from '#lib/runner/sandbox/sandbox';
import { Toolchains } from '#lib/runner/toolchains';
import { validate } from '#lib/runner/validate';
import type { Logger } from '#lib/telemetry/log';
import type { Metrics } from '#lib/telemetry/metrics';
import type { CodeRequest, CodeResult, RunnerHealth } from '#lib/wire/code';
import type { ValidateResult } from '#lib/wire/executor';
import type { RunnerStats } from '#lib/wire/server-stats';

export interface RunOptions {
  /** Who asks: callers take turns. */
  caller: string;
  /** Ends the run, waiting or going. */
  signal?: AbortSignal | undefined;
  /** The program has its place and begins: from now on there will be a result. */
  onStart?: (() => void) | undefined;
  /** Output while the program runs, in whole characters. What it is given, joined, is what the result holds. */
  onOutput?: ((stream: 'stdout' | 'stderr', text: string) => void) | undefined;
}

export interface Runner {
  /**
   * Runs a program to its end; a program that fails is a result, not an error. Throws a `Fault`: `unsupported_language`,
   * `invalid_request`, `code_too_large`, `language_unavailable`, `sandbox_unavailable`, `runner_busy`.
   */
  run(request: CodeRequest, options: RunOptions): Promise<CodeResult>;
  /**
   * Parses or type-checks a program and never runs it; one that is wrong is a result, not an error. It takes a place as a run
   * does, out of places of their own with a line of their own, and throws the same.
   */
  validate(
    request: Pick<CodeRequest, 'language' | 'code' | 'files'>,
    options: Pick<RunOptions, 'caller' | 'signal'>,
  ): Promise<ValidateResult>;
  /** Resolves when every language that is installed here can be run: some are prepared at the first start. */
  prepared(): Promise<void>;
  /** What can be run here, and in which sandbox. */
  health(): Promise<RunnerHealth>;
  /** What was run since the process began. */
  stats(): RunnerStats;
  /** Ends all runs and gives back what they hold. Later runs are refused. */
  close(): Promise<void>;
}

export interface RunnerDependencies {
  settings: Config;
  cores: number;
  metrics: Metrics;
  log: Logger;
  probe: () => Promise<ProbeResult>;
}

interface ProbedRunner {
  pool: WarmPool;
  kinds: SandboxTemplates;
  sandbox: Sandbox;
  toolchains: Toolchains;
  warning: string | undefined;
}

export function createRunner(parts: RunnerDependencies): Runner {
  const { settings, cores, metrics } = parts;
  const places = settings.CODE_MAX_CONCURRENT || cores;
  const admission = new Admission(places, settings.CODE_MAX_QUEUE);
  // An editor checks while its owner types: that must never keep a run waiting.
  const checks = new Admission(Math.max(1, Math.floor(places / 2)), settings.CODE_MAX_QUEUE);
  const statistics = new RunStatistics();
  const cache = new CompileCache();
  const closing = new AbortController();
  const runs = new Set<Promise<unknown>>();
  let probing: Promise<ProbedRunner> | undefined;
  let tier = 'unknown';
  let pool: WarmPool | undefined;
  let closed: Promise<void> | undefined;

  /** Probes once. A probe that failed is repeated for the next caller: what was missing may have been installed. */
  const ready = (): Promise<ProbedRunner> => {
    probing ??= probeRunner(parts).then(
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

  /** Waits for a place; whoever gets it gives it back. */
  const takePlace = async (line: Admission, { language }: Program, { caller, signal }: RunOptions) => {
    if (closing.signal.aborted)
      throw new AppError('shutting_down', 'The server is shutting down. Try again in a moment.');
    const { sandbox, toolchains, pool, kinds } = await ready();
    const toolchain = await toolchains.require(language);
    const ends = AbortSignal.any(signal === undefined ? [closing.signal] : [closing.signal, signal]);
    const leave = await Promise.try(() => line.enter(caller, ends)).catch((error: unknown) => {
      throw AppError.is(error) ? error : new AppError('cancelled', 'The run was cancelled before it began.');
    });
    return { sandbox, toolchain, pool, kinds: kinds.of(language, toolchain), signal: ends, leave };
  };

  const run = async (request: CodeRequest, options: RunOptions): Promise<CodeResult> => {
    const { onStart, onOutput } = options;
    const program = checkRequest(request, settings);
    const { sandbox, toolchain, pool, kinds, signal, leave } = await takePlace(admission, program, options);
    const { interpreter, compiler, program: blank, compilation } = kinds;
    const used: SandboxTemplate<never>[] = [interpreter, compiler, blank, compilation].filter(
      (kind) => kind !== undefined,
    );
    try {
      onStart?.();
      const result = await execute(program, toolchain, sandbox, {
        settings,
        cores,
        cache,
        pool,
        kinds,
        onTaken: (kind) => used.push(kind),
        signal,
        onOutput,
      });
      statistics.record(program.language.id, result.status, result.duration_ms);
      metrics.codeRuns.inc({ language: program.language.id, status: result.status });
      metrics.codeDuration.observe({ language: program.language.id }, result.duration_ms / 1000);
      return result;
    } finally {
      leave();
      // To start sandboxes takes all cores for a moment: the answer is to be where it goes by then, unless the next run would find none.
      const afterMs = used.some((kind) => pool.isExhausted(kind)) ? 0 : REFILL_DELAY_MS;
      setTimeout(() => {
        for (const kind of used) pool.refill(kind);
      }, afterMs);
    }
  };

  const check = async (request: CodeRequest, options: RunOptions): Promise<ValidateResult> => {
    const program = checkRequest(request, settings);
    const { sandbox, toolchain, signal, leave } = await takePlace(checks, program, options);
    try {
      return await validate(program, toolchain, sandbox, { settings, cores, signal });
    } finally {
      leave();
    }
  };

  /** What must have ended before the sandbox is closed. */
  const keep = <T>(going: Promise<T>): Promise<T> => {
    const settled = going.catch(() => {});
    runs.add(settled);
    void settled.then(() => runs.delete(settled));
    return going;
  };

  const close = async (): Promise<void> => {
    closing.abort();
    await Promise.all(runs);
    const found = await probing?.catch(() => undefined);
    await found?.toolchains.survey();
    await found?.pool.close();
    await found?.sandbox.close();
    cache.close();
  };

  return {
    run: (request, options) => keep(run(request, options)),

    validate: (request, options) => keep(check(request, options)),

    prepared: async () => (await ready()).toolchains.settled(),

    health: async () => {
      const base = { status: 'ok', service: 'chill-space-code-runner', version: VERSION } as const;
      let found: ProbedRunner;
      try {
        found = await ready();
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

    stats: () => ({
      sandbox: tier,
      active: admission.active,
      waiting: admission.waiting,
      max_concurrent: admission.capacity,
      ...statistics.report,
      warm: pool?.report() ?? [],
    }),

    close: () => {
      closed ??= close();
      return closed;
    },
  };
}

/** How long after a run what it has used is made up for. */
export const REFILL_DELAY_MS = 6;
const POOL_IDLE_MS = 10 * 60_000;
const PROBE_FAILED_MESSAGE =
  'Code cannot be run here: the sandbox could not be tried on this machine. The log of the server says why.';

async function probeRunner(parts: RunnerDependencies): Promise<ProbedRunner> {
  const probed = await parts.probe().catch((error: unknown): ProbeResult => {
    parts.log.error({ err: error }, 'the sandbox could not be tried');
    return { sandbox: undefined, reason: PROBE_FAILED_MESSAGE };
  });
  if (probed.sandbox === undefined) {
    parts.log.warn({ sandbox: 'unavailable' }, probed.reason);
    throw new AppError('sandbox_unavailable', probed.reason);
  }
  const { sandbox, warning } = probed;
  if (warning !== undefined) parts.log.warn({ sandbox: sandbox.tier }, warning);
  parts.log.info({ sandbox: sandbox.tier }, 'code runner ready');
  const { settings, cores } = parts;
  const pool = new WarmPool({
    size: settings.CODE_MAX_CONCURRENT || cores,
    megabytes: settings.CODE_WARM_MEMORY_MB,
    idleMs: POOL_IDLE_MS,
  });
  const kinds = new SandboxTemplates(sandbox, settings, cores);
  return { sandbox, pool, kinds, toolchains: new Toolchains(sandbox), warning };
}
