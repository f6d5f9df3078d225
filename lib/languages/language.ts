import type { Diagnostic, ToolOutput } from '#lib/languages/diagnostic';
import type { KnownLanguage } from '#lib/languages/infos';

/** A host path that programs of a language see, read-only. `at` defaults to the same path. */
export interface Bind {
  from: string;
  at?: string;
}

/** A toolchain that was found on this machine. */
export interface Toolchain {
  /** Binds in addition to the system's own directories. */
  binds: Bind[];
  /** Absolute paths inside the sandbox, by the names that the commands use. */
  programs: Record<string, string>;
}

/**
 * The view of this machine in which toolchains are looked for. It looks at paths and starts
 * nothing.
 */
export interface HostFiles {
  exists: (path: string) => boolean;
  /** The names in a directory, sorted; none if it cannot be read. */
  list: (directory: string) => string[];
  home: string;
}

/** One process in the sandbox. `argv[0]` is an absolute path inside it. */
export interface SandboxCommand {
  argv: string[];
  env?: Record<string, string>;
  /** The content of `PROGRAM`, for a language that is not compiled. */
  script?: string;
  /** The binds that it needs; all of the toolchain's unless given. */
  binds?: Bind[];
}

/** A command that the toolchain runs once on the host, with nothing but itself. */
export interface PreparationCommand {
  argv: string[];
  env: Record<string, string>;
  /** Written into its directory first. A change of these has everything prepared again. */
  files?: { name: string; content: Uint8Array }[];
}

/**
 * The prepared directory inside the sandbox, read-only. Its file `index` has the command's output.
 */
export const PREPARED = '/opt/prepared';

/**
 * Programs that run one after the other, as long as each ends with 0, and the file that they
 * leave.
 */
export interface CompileSteps {
  steps: string[][];
  env?: Record<string, string>;
  /** Relative to the work directory. `run` finds it at `PROGRAM`. */
  output: string;
}

/** A file of the request: the main one first. */
export interface SourceFile {
  name: string;
  text: string;
}

/** Everything that a command may depend on. */
export interface CommandContext {
  toolchain: Toolchain;
  files: readonly SourceFile[];
  args: readonly string[];
  memoryMb: number;
}

/** The input of a process that waits for a program. */
export interface WarmInput {
  context: CommandContext;
  /** The files as bytes; the main one first. */
  files: readonly { name: string; content: Uint8Array }[];
  /** The output of the compiler, or of an earlier run. */
  artifact: Uint8Array | undefined;
}

/**
 * How a zygote starts an interpreter: by a fork of itself, since `argv` runs a script of Python, or
 * by executing `argv` with another script. That one reads the length of stdin (eight bytes, big
 * endian) and its content before the message, and writes it to `STDIN_DESCRIPTOR`.
 */
export type ZygoteStart = { by: 'fork' } | { by: 'exec'; script: string };

/** A process that waits for a program, and then becomes it, or compiles it. */
export interface WarmProcessSpec {
  /** The content of `PROGRAM`. */
  script?: string;
  /** Undefined if the toolchain is not prepared for it. */
  command: (toolchain: Toolchain, memoryMb: number) => SandboxCommand | undefined;
  /** Whether it can take this program; every program unless given. */
  accepts?: (context: CommandContext) => boolean;
  /**
   * Encodes its input, which it reads to the end. An interpreter reads it from `INPUT_DESCRIPTOR`
   * and closes that; a compiler reads it from stdin.
   */
  encode: (input: WarmInput) => string | Uint8Array;
  /**
   * A compiler that never runs what it compiles, so that it serves many programs. Each request to
   * it is what `compileRequest` makes of the encoded input, each response what `CompileResponse`
   * reads.
   */
  isService?: boolean;
  /** Roughly what one holds while it waits. */
  idleMegabytes: number;
  /** How a zygote may start it, in the place of `argv`; by itself unless given. */
  zygote?: ZygoteStart;
}

/**
 * A language as the runner sees it: data and pure functions. A folder and a line in `index.ts` add
 * one.
 */
export interface Language extends KnownLanguage {
  /** The name of the file that `code` is written to. */
  mainFileName: (code: string) => string;
  /** Undefined if this machine does not have the toolchain. */
  findToolchain: (machine: HostFiles) => Toolchain | undefined;
  /** The command runs inside the sandbox; the first group of `pattern` is the version. */
  version: { command: (toolchain: Toolchain) => string[]; pattern: RegExp };
  /** What a person does if it is missing. */
  installHint: string;
  /**
   * Its interpreter, which waits for a program and becomes it. A program sees no difference to a
   * cold start.
   */
  warm?: WarmProcessSpec;
  /**
   * The interpreter for a program that `warm` has run before, whose artifact comes with it. Both
   * write the artifact to stdout first (see `StdoutHeader`).
   */
  warmCached?: WarmProcessSpec;
  /** Its compiler, which waits. It leaves the same output as `compile`, and prints the same. */
  warmCompiler?: WarmProcessSpec;
  /**
   * Work done once for a toolchain. The result is bound at `PREPARED`, which `programs.prepared`
   * names.
   */
  prepare?: {
    make: (toolchain: Toolchain, directory: string) => PreparationCommand;
    /** Whether no program can run before it is done. */
    isNeeded: boolean;
  };
  compile?: (context: CommandContext) => CompileSteps;
  /**
   * Given if the compiler makes a native program: the binds of the toolchain that it needs to run.
   */
  nativeBinds?: (toolchain: Toolchain) => Bind[];
  run: (context: CommandContext) => SandboxCommand;
  validate: Validator;
  /** Reads a name from stdin and greets it. */
  helloProgram: string;
}

/** Checks programs of a language without running them. */
export interface Validator {
  /**
   * Parses or type-checks the program, and never runs any of it. Ends with 0 if it finds nothing
   * to refuse. Undefined if its tool is not installed.
   */
  command: (context: CommandContext) => (SandboxCommand & { stdin?: string }) | undefined;
  /** Whether the command also fails if everything that it reports is a warning here. */
  failsForWarnings?: boolean;
  /** What a person does if the tool is missing, as a sentence. */
  installHint?: string;
  /** Reads the command's output about `source`, the main file. Pure. */
  parse: (output: ToolOutput, source: string) => Diagnostic[];
}
