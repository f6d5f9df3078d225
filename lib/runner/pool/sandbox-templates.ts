import { closeSync } from 'node:fs';
import type { Config } from '#lib/config/config';
import type { Language, Toolchain, WarmProcessSpec } from '#lib/languages/language';
import type { SandboxTemplate } from '#lib/runner/pool/warm-pool';
import { compilerLimits, programLimits, type ResourceLimits } from '#lib/runner/resource-limits';
import { anonymousFile } from '#lib/runner/sandbox/anonymous-files';
import type { LaunchInput, Sandbox, StdinPayload } from '#lib/runner/sandbox/sandbox';

/** What can wait for programs of one language. */
export interface LanguageTemplates {
  interpreter: SandboxTemplate<StdinPayload> | undefined;
  /** For what the interpreter has run before. */
  again: SandboxTemplate<StdinPayload> | undefined;
  compiler: SandboxTemplate<StdinPayload> | undefined;
  /** Sandboxes in which nothing runs yet, for a native program of one file. */
  program: SandboxTemplate<LaunchInput> | undefined;
  compilation: SandboxTemplate<LaunchInput> | undefined;
  /** Those that have a large program in them already, which it takes bubblewrap milliseconds to copy. `open` gives a descriptor of it. */
  filled: (bytes: number, open: () => number | undefined) => SandboxTemplate<LaunchInput> | undefined;
}

/** A bubblewrap that waits, and what the kernel keeps for its namespaces. */
const SMALL_MEGABYTES = 10;
const BLANK_MEGABYTES = 1;
const MB = 1024 * 1024;
const LARGE_BYTES = MB / 4;

/** The kinds of sandbox that a language takes; the same objects for the same toolchain, so that they can be told apart. */
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
    let kinds = ofToolchain.get(language);
    if (kinds === undefined) {
      kinds = this.#make(language, toolchain);
      ofToolchain.set(language, kinds);
    }
    return kinds;
  }

  #make(language: Language, toolchain: Toolchain): LanguageTemplates {
    const { name, warm, warmCached: warmAgain, warmCompiler, nativeBinds: native } = language;
    const runLimits = programLimits(this.#settings, this.#settings.CODE_MAX_TIMEOUT_SECONDS, this.#cores);
    const compileLimits = compilerLimits(this.#settings, this.#cores);
    return {
      interpreter: warm && this.#waiting(name, warm, toolchain, runLimits, false),
      again: warmAgain && this.#waiting(`${name} again`, warmAgain, toolchain, runLimits, false),
      compiler: warmCompiler && this.#waiting(`${name} compiler`, warmCompiler, toolchain, compileLimits, true),
      program: native && this.#blank(name, language, native(toolchain), runLimits, 'handed over'),
      compilation:
        native && warmCompiler === undefined
          ? this.#blank(`${name} compiler`, language, toolchain.binds, compileLimits, undefined)
          : undefined,
      filled: (bytes, open) =>
        native && bytes >= LARGE_BYTES
          ? this.#filled(`${name} program`, language, native(toolchain), runLimits, bytes, open)
          : undefined,
    };
  }

  #waiting(
    name: string,
    { script, command, idleMegabytes: megabytes }: WarmProcessSpec,
    toolchain: Toolchain,
    limits: ResourceLimits,
    hasResult: boolean,
  ): SandboxTemplate<StdinPayload> | undefined {
    const { startInterpreter: wait } = this.#sandbox;
    if (wait === undefined) return undefined;
    const waiting = command(toolchain, this.#settings.CODE_MEMORY_MB);
    if (waiting === undefined) return undefined;
    const { argv, env = {}, binds = toolchain.binds } = waiting;
    const make = () => {
      const program = script === undefined ? undefined : anonymousFile(Buffer.from(script));
      try {
        return wait.call(this.#sandbox, { argv, env, binds, limits, program, hasResult });
      } finally {
        if (program !== undefined) closeSync(program);
      }
    };
    return { name, megabytes, isKeptTwice: megabytes <= SMALL_MEGABYTES, make };
  }

  #blank(
    name: string,
    language: Language,
    binds: Toolchain['binds'],
    limits: ResourceLimits,
    program: 'handed over' | undefined,
  ): SandboxTemplate<LaunchInput> | undefined {
    const { startEmpty: setUp } = this.#sandbox;
    if (setUp === undefined) return undefined;
    const blank = { binds, limits, names: [language.mainFileName('')], program, hasResult: program === undefined };
    return { name, megabytes: BLANK_MEGABYTES, make: () => setUp.call(this.#sandbox, blank) };
  }

  #filled(
    name: string,
    language: Language,
    binds: Toolchain['binds'],
    limits: ResourceLimits,
    bytes: number,
    open: () => number | undefined,
  ): SandboxTemplate<LaunchInput> | undefined {
    const { startEmpty: setUp } = this.#sandbox;
    if (setUp === undefined) return undefined;
    const make = () => {
      const program = open();
      if (program === undefined) return undefined;
      try {
        return setUp.call(this.#sandbox, {
          ...{ binds, limits, program },
          names: [language.mainFileName('')],
          hasResult: false,
        });
      } finally {
        closeSync(program);
      }
    };
    return { name, megabytes: BLANK_MEGABYTES + bytes / MB, ephemeral: true, make };
  }
}
