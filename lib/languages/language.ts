import type { Validator } from '#lib/languages/diagnostic';
import type { LanguageId } from '#lib/wire/code';

/** A host path that programs of a language see, read-only. `at` is where; the same path unless given. */
export interface Bind {
  from: string;
  at?: string;
}

/** A toolchain that was found on this machine. */
export interface Toolchain {
  /** What to bind beside the system's own directories. */
  binds: Bind[];
  /** Absolute paths inside the sandbox, by the names that the commands use. */
  programs: Record<string, string>;
}

/** This machine, as far as finding a toolchain needs it. Looks at paths only; starts nothing. */
export interface HostFiles {
  exists: (path: string) => boolean;
  /** The names in a directory, sorted; none where it cannot be read. */
  list: (directory: string) => string[];
  home: string;
}

/** One process in the sandbox. `argv[0]` is an absolute path inside it. */
export interface SandboxCommand {
  argv: string[];
  env?: Record<string, string>;
  /** What lies at `PROGRAM`, for a language that is not compiled. */
  script?: string;
  /** What of the toolchain it needs to see; all of it unless given. A compiled program needs none of its compiler. */
  binds?: Bind[];
}

/** A command that is run once on the host, by and with nothing but the toolchain itself. */
export interface PreparationCommand {
  argv: string[];
  env: Record<string, string>;
  /** Are put into its directory before. What is made of them is made anew when they change. */
  files?: { name: string; content: Uint8Array }[];
}

/** Where what was prepared lies in the sandbox, read-only; what the command printed is its file `index`. */
export const PREPARED = '/opt/prepared';

/** Programs that are run one after the other, as long as each ends with 0, and the file that they leave. */
export interface CompileSteps {
  steps: string[][];
  env?: Record<string, string>;
  /** Relative to the work directory. It is what `run` finds at `PROGRAM`. */
  output: string;
}

/** A file of the request: the main one first. */
export interface SourceFile {
  name: string;
  text: string;
}

/** What a command may depend on. */
export interface CommandContext {
  toolchain: Toolchain;
  files: readonly SourceFile[];
  args: readonly string[];
  memoryMb: number;
}

/** What a process that waits for a program is told about it. */
export interface WarmInput {
  context: CommandContext;
  /** As they are; the main one first. */
  files: readonly { name: string; content: Uint8Array }[];
  /** What the compiler has made, or an earlier run. */
  artifact: Uint8Array | undefined;
}

/** A process that waits for a program, and then becomes it, or compiles it. */
export interface WarmProcessSpec {
  /** What lies at `PROGRAM`. */
  script?: string;
  /** Undefined where the toolchain is not prepared for it. */
  command: (toolchain: Toolchain, memoryMb: number) => SandboxCommand | undefined;
  /** Whether it can take this program; it can take all unless given. */
  accepts?: (context: CommandContext) => boolean;
  /** What it reads, to the end: an interpreter from the descriptor `INPUT_DESCRIPTOR`, which it closes, a compiler from stdin. */
  encode: (given: WarmInput) => string | Uint8Array;
  /** What one holds while it waits, roughly. */
  idleMegabytes: number;
}

/**
 * A language, as data: everything that the runner must know about it. A new language is one file with one of these
 * and a line in `index.ts`.
 */
export interface Language {
  id: LanguageId;
  /** As a person writes it. */
  name: string;
  /** Other spellings that requests may use. */
  aliases: readonly string[];
  /** The file that `code` is written to. */
  mainFileName: (code: string) => string;
  extension: string;
  /** Finds the toolchain, or tells that there is none. */
  findToolchain: (machine: HostFiles) => Toolchain | undefined;
  /** Asked of the toolchain inside the sandbox; `pattern`'s first group is the version. */
  version: { command: (toolchain: Toolchain) => string[]; pattern: RegExp };
  /** What a person does where it is missing. */
  installHint: string;
  /** How its interpreter waits for a program, to become it, as like a fresh interpreter as it can. */
  warm?: WarmProcessSpec;
  /**
   * How it waits for a program that `warm` has run before, which comes with what was made of it then. Both say first, on stdout, what
   * there is to be kept (see `Preface`).
   */
  warmCached?: WarmProcessSpec;
  /** How its compiler waits; it leaves what `compile` leaves, or says what `compile` says. */
  warmCompiler?: WarmProcessSpec;
  /** What is made of a toolchain once, in `directory`; from then on it is bound at `PREPARED`, and `programs.prepared` says so. */
  prepare?: {
    make: (toolchain: Toolchain, directory: string) => PreparationCommand;
    /** Whether nothing can be run before that. */
    isNeeded: boolean;
  };
  compile?: (context: CommandContext) => CompileSteps;
  /** Where what is compiled is a program by itself: what of the toolchain it needs to run. */
  nativeBinds?: (toolchain: Toolchain) => Bind[];
  run: (context: CommandContext) => SandboxCommand;
  validate: Validator;
  helloProgram: string;
}
