import { closeSync } from 'node:fs';
import type { Config } from '#lib/config/config';
import type { Language, Toolchain, WarmProcessSpec } from '#lib/languages/language';
import type { SandboxTemplate } from '#lib/runner/pool/warm-pool';
import { compilerLimits, programLimits, type ResourceLimits } from '#lib/runner/resource-limits';
import type { EmptySandboxSpec, Sandbox, WarmSandbox } from '#lib/runner/sandbox/sandbox';
import { withStdoutHeader } from '#lib/runner/stdout-header';
import { MIB } from '#lib/units';

/** The warm sandboxes of a language. A field is undefined if the language or the tier has none. */
export interface LanguageTemplates {
  /** An interpreter that waits for its program as a message. */
  interpreter: SandboxTemplate | undefined;
  /** A compiler that waits for its sources. */
  compiler: SandboxTemplate | undefined;
  /** A sandbox in which nothing runs yet, for a native program of one file. */
  empty: SandboxTemplate | undefined;
  /**
   * An interpreter for programs that it has run before. It takes less memory and time than one
   * that must be ready to translate a new program.
   */
  rerun: SandboxTemplate | undefined;
  /**
   * An empty sandbox that contains a large program already, which bubblewrap takes milliseconds to
   * copy. `open` returns a descriptor of the program; undefined once it was evicted.
   */
  preloaded: (bytes: number, open: () => number | undefined) => SandboxTemplate | undefined;
}

/** Memory of a blocked bubblewrap, and of the kernel for its namespaces. */
const EMPTY_MEGABYTES = 1;
/** Sandboxes below this wait in twice the number: consecutive runs would exhaust them. */
const SMALL_MEGABYTES = 10;
/** Smaller programs are copied at launch. */
const MIN_PRELOADED_BYTES = MIB / 4;
/** A larger binary is not sent to an interpreter as a message. */
const MAX_MESSAGE_BYTES = MIB;

/**
 * Builds the templates of each language once for each toolchain, so that the pool can compare
 * them.
 */
export class SandboxTemplates {
  readonly #sandbox: Sandbox;
  readonly #settings: Config;
  readonly #cores: number;
  readonly #known = new WeakMap<Toolchain, Map<Language, LanguageTemplates>>();

  constructor(sandbox: Sandbox, settings: Config, cores: number) {
    this.#sandbox = sandbox;
    this.#settings = settings;
    this.#cores = cores;
  }

  of(language: Language, toolchain: Toolchain): LanguageTemplates {
    const ofToolchain = this.#known.get(toolchain) ?? new Map<Language, LanguageTemplates>();
    this.#known.set(toolchain, ofToolchain);
    let templates = ofToolchain.get(language);
    if (templates === undefined) {
      templates = this.#build(language, toolchain);
      ofToolchain.set(language, templates);
    }
    return templates;
  }

  #build(language: Language, toolchain: Toolchain): LanguageTemplates {
    const { name, warm, warmCached, warmCompiler, nativeBinds } = language;
    const runLimits = programLimits(this.#settings, this.#settings.CODE_MAX_TIMEOUT_SECONDS, this.#cores);
    const compileLimits = compilerLimits(this.#settings, this.#cores);
    const sendsHeader = warmCached !== undefined;
    const fileNames = [language.mainFileName('')];
    const emptyCompiler = nativeBinds && {
      ...{ binds: toolchain.binds, limits: compileLimits, fileNames, hasResult: true },
      program: 'none' as const,
    };
    const run = nativeBinds && { binds: nativeBinds(toolchain), limits: runLimits, fileNames, hasResult: false };
    return {
      interpreter: warm && this.#process(name, warm, toolchain, runLimits, { hasResult: false, sendsHeader }),
      rerun:
        warmCached &&
        this.#process(`${name} again`, warmCached, toolchain, runLimits, { hasResult: false, sendsHeader }),
      compiler: warmCompiler
        ? this.#process(`${name} compiler`, warmCompiler, toolchain, compileLimits, {
            hasResult: true,
            sendsHeader: false,
          })
        : emptyCompiler && this.#empty(`${name} compiler`, emptyCompiler),
      empty: run && this.#empty(name, { ...run, program: 'at launch' }),
      preloaded: (bytes, open) =>
        run && bytes >= MIN_PRELOADED_BYTES ? this.#preloaded(`${name} program`, run, bytes, open) : undefined,
    };
  }

  #process(
    name: string,
    { script, command, idleMegabytes: megabytes, zygote, isService = false }: WarmProcessSpec,
    toolchain: Toolchain,
    limits: ResourceLimits,
    { hasResult, sendsHeader }: { hasResult: boolean; sendsHeader: boolean },
  ): SandboxTemplate | undefined {
    const startInterpreter = this.#sandbox.startInterpreter?.bind(this.#sandbox);
    if (startInterpreter === undefined) return undefined;
    const resolved = command(toolchain, limits.memoryBytes / MIB);
    if (resolved === undefined) return undefined;
    const { argv, env = {}, binds = toolchain.binds } = resolved;
    const startService = isService ? this.#sandbox.startCompileService?.bind(this.#sandbox) : undefined;
    const program = script === undefined ? undefined : Buffer.from(script);
    // One object: a zygote belongs to it.
    const spec = { argv, env, binds, limits, program, hasResult, zygote };
    const start = () => startInterpreter(spec);
    return {
      ...{ name, megabytes, ephemeral: false, spareFactor: megabytes <= SMALL_MEGABYTES ? 2 : 1 },
      accepts: ({ bytes }) => bytes <= MAX_MESSAGE_BYTES,
      start: sendsHeader ? () => withStdoutHeader(start()) : start,
      ...(startService && { startService: () => startService({ argv, env, binds, limits }) }),
    };
  }

  #empty(name: string, spec: EmptySandboxSpec): SandboxTemplate | undefined {
    const startEmpty = this.#sandbox.startEmpty?.bind(this.#sandbox);
    return startEmpty && emptyTemplate(name, EMPTY_MEGABYTES, () => startEmpty(spec));
  }

  #preloaded(
    name: string,
    spec: Omit<EmptySandboxSpec, 'program'>,
    bytes: number,
    open: () => number | undefined,
  ): SandboxTemplate | undefined {
    const startEmpty = this.#sandbox.startEmpty?.bind(this.#sandbox);
    if (startEmpty === undefined) return undefined;
    const start = () => {
      const program = open();
      if (program === undefined) return undefined;
      try {
        return startEmpty({ ...spec, program });
      } finally {
        closeSync(program);
      }
    };
    return { ...emptyTemplate(name, EMPTY_MEGABYTES + bytes / MIB, start), ephemeral: true };
  }
}

function emptyTemplate(name: string, megabytes: number, start: () => WarmSandbox | undefined): SandboxTemplate {
  // The name of its file is fixed, so there can be only one.
  return { name, megabytes, start, spareFactor: 1, ephemeral: false, accepts: ({ files }) => files === 1 };
}
