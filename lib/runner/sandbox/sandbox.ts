import type { Bind, ZygoteStart } from '#lib/languages/language';
import type { ResourceLimits } from '#lib/runner/resource-limits';

export type Tier = 'bubblewrap' | 'gvisor' | 'none';

/** Any way to run untrusted programs. */
export interface Sandbox {
  readonly tier: Tier;
  /** Runs one program to its end in a new sandbox. Rejects only if the host itself fails. */
  run(execution: Execution): Promise<ExitReport>;
  /** Starts a sandbox whose interpreter or compiler waits for a message; absent if unsupported. */
  startInterpreter?(spec: InterpreterSpec): WarmSandbox;
  /** Starts a sandbox whose compiler serves many programs; absent if unsupported. */
  startCompileService?(spec: CompileServiceSpec): CompileService;
  /** Starts a sandbox in which nothing runs yet; absent if unsupported. */
  startEmpty?(spec: EmptySandboxSpec): WarmSandbox;
  /** Releases what the sandbox holds on the host. No run may be in progress. */
  close(): Promise<void>;
}

/**
 * A sandbox that was set up before its program was known. It runs one program, and ends with it.
 * It keeps the binds and the upper limits that it was started with.
 */
export interface WarmSandbox {
  /** False once it has died, for example because it was killed. */
  readonly isAlive: boolean;
  /** Resident memory while it waits; shared pages count in proportion. */
  residentBytes(): number;
  /** As `Sandbox.run`, from the moment in which the program is handed over. */
  run(execution: Execution): Promise<ExitReport>;
  discard(): Promise<void>;
}

/**
 * A sandbox whose compiler serves many programs, one at a time. It runs nothing of a program, and
 * is alive after `run`, unless a compilation exceeded a limit, was cancelled or made it fail.
 */
export interface CompileService extends WarmSandbox {
  /** Whether it serves already; it takes requests before that, too. */
  readonly isReady: boolean;
  /** Whether it should be replaced: it has served many programs, or its memory has grown. */
  readonly isWorn: boolean;
}

/** One program with everything that any sandbox needs to run it. */
export interface Execution {
  /** `argv[0]` is an absolute path inside the sandbox. */
  argv: readonly string[];
  env: Readonly<Record<string, string>>;
  binds: readonly Bind[];
  /** The main file first. */
  files: readonly InputFile[];
  /** Content of `PROGRAM`. The caller closes a descriptor. */
  program?: number | Uint8Array | undefined;
  /** What a warm interpreter reads, which then needs neither `argv` nor `files`. */
  message?: (() => string | Uint8Array) | undefined;
  stdin: Uint8Array;
  limits: ResourceLimits;
  /** Takes output as it arrives; false stops the program. */
  onStdout: OutputHandler;
  onStderr: OutputHandler;
  /** Takes what is written to `RESULT_DESCRIPTOR`, which exists only if this is set. */
  onResult?: OutputHandler | undefined;
  /** Takes what a warm interpreter sends in its stdout header (see `StdoutHeader`). */
  onHeader?: ((content: Buffer) => void) | undefined;
  signal?: AbortSignal | undefined;
}

export type OutputHandler = (chunk: Buffer) => boolean;

/** A file of the work directory. `name` is a relative path that `checkRequest` has validated. */
export interface InputFile {
  name: string;
  content: Uint8Array;
}

/** The part of an execution that supervision needs. */
export type SupervisionInput = Pick<Execution, 'limits' | 'onStdout' | 'onStderr' | 'onResult' | 'signal'>;

export type InterpreterSpec = Pick<Execution, 'argv' | 'env' | 'binds' | 'limits' | 'program'> & {
  /** With a `RESULT_DESCRIPTOR` the message arrives on stdin instead of `INPUT_DESCRIPTOR`. */
  hasResult: boolean;
  /** How a zygote may start it, if the tier has one. */
  zygote?: ZygoteStart | undefined;
};

export type CompileServiceSpec = Pick<Execution, 'argv' | 'env' | 'binds' | 'limits'>;

export type EmptySandboxSpec = Pick<Execution, 'binds' | 'limits'> & {
  /** Names of the files that the work directory will have, in the order of `Execution.files`. */
  fileNames: readonly string[];
  /** A descriptor: `PROGRAM` is there from the start. The caller closes it. */
  program: number | 'at launch' | 'none';
  hasResult: boolean;
};

/** Why the host ended a program. */
export type StopReason = 'wall' | 'output' | 'cancelled' | 'memory';

/** How a program ended, observed from outside. Its whole process tree has ended by then. */
export interface ExitReport {
  /** False if the sandbox could not be set up: nothing of the program ran. */
  started: boolean;
  /** Why it could not be set up, for the log. */
  setupError: string;
  /** As a shell reports it: 0..255, 128 + n for signal n. */
  exitCode: number;
  /** Undefined if it ended by itself. */
  stopReason: StopReason | undefined;
  /** As the kernel or the watchdog reports it. */
  outOfMemory: boolean;
  wallMs: number;
  cpuMs: number;
  peakMemoryBytes: number;
  /** Inode of its pid namespace, by which tests look for processes that are left. */
  pidNamespace: number | undefined;
}
