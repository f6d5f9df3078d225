import type { Validator } from '#lib/runner/validators/diagnostic';
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
export interface Machine {
  exists: (path: string) => boolean;
  /** The names in a directory, sorted; none where it cannot be read. */
  list: (directory: string) => string[];
  home: string;
}

/** One process in the sandbox. `argv[0]` is an absolute path inside it. */
export interface Command {
  argv: string[];
  env?: Record<string, string>;
  /** What of the toolchain it needs to see; all of it unless given. A compiled program needs none of its compiler. */
  binds?: Bind[];
}

/** A command that is run once on the host, by and with nothing but the toolchain itself. */
export interface Preparation {
  argv: string[];
  env: Record<string, string>;
}

/** Where what was prepared lies in the sandbox, read-only; what the command printed is its file `index`. */
export const PREPARED = '/opt/prepared';

/** Programs that are run one after the other, as long as each ends with 0, and the file that they leave. */
export interface Compilation {
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

/** What a waiting interpreter is handed. File contents and stdin are base64; the first file is the program. */
export interface WarmProgram {
  files: { name: string; content: string }[];
  stdin: string;
  args: readonly string[];
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
  mainFile: (code: string) => string;
  extension: string;
  /** Finds the toolchain, or tells that there is none. */
  find: (machine: Machine) => Toolchain | undefined;
  /** Asked of the toolchain inside the sandbox; `pattern`'s first group is the version. */
  version: { command: (toolchain: Toolchain) => string[]; pattern: RegExp };
  /** What a person does where it is missing. */
  install: string;
  /**
   * How its interpreter waits for a program: `script` lies at `PROGRAM`, reads a `WarmProgram` as JSON from the descriptor
   * `INPUT_DESCRIPTOR` to its end, closes that, and becomes the program, as like a fresh interpreter as it can.
   */
  warm?: { script: string; command: (toolchain: Toolchain) => Command };
  /** What must be made of a toolchain once before it is quick, in `directory`. */
  prepare?: (toolchain: Toolchain, directory: string) => Preparation;
  compile?: (context: CommandContext) => Compilation;
  run: (context: CommandContext) => Command;
  validate: Validator;
  sample: string;
}
