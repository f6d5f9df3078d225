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

/** One process in the sandbox. `argv[0]` is an absolute path inside it. */
export interface Command {
  argv: string[];
  env?: Record<string, string>;
}

/** What a command may depend on. `files` are relative to the work directory, the main file first. */
export interface CommandContext {
  toolchain: Toolchain;
  files: readonly string[];
  args: readonly string[];
  memoryMb: number;
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
  mainFile: string;
  /** Finds the toolchain, or tells that there is none. Looks at paths only; starts nothing. */
  find: (exists: (path: string) => boolean) => Toolchain | undefined;
  /** Asked of the toolchain inside the sandbox; `pattern`'s first group is the version. */
  version: { command: (toolchain: Toolchain) => string[]; pattern: RegExp };
  /** What a person does where it is missing. */
  install: string;
  run: (context: CommandContext) => Command;
  sample: string;
}
