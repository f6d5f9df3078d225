import type { Bind } from '#lib/languages/language';
import type { ResourceLimits } from '#lib/runner/resource-limits';

export type Tier = 'bubblewrap' | 'gvisor' | 'none';

/** A file that is put into the work directory. `name` is relative, and was checked (see `request.ts`). */
export interface InputFile {
  name: string;
  content: Uint8Array;
}

/** One program, as a sandbox takes it. */
export interface Execution {
  /** `argv[0]` is an absolute path inside the sandbox. */
  argv: readonly string[];
  env: Readonly<Record<string, string>>;
  binds: readonly Bind[];
  files: readonly InputFile[];
  /** Lies read-only at `PROGRAM`: what an earlier stage has made. The caller closes it. */
  program?: number | undefined;
  /** Takes what the job writes to the descriptor `RESULT_DESCRIPTOR`; false stops the job. Without it there is no such descriptor. */
  onResult?: ((chunk: Buffer) => boolean) | undefined;
  stdin: Uint8Array;
  limits: ResourceLimits;
  /** Take output as it comes; false stops the program. */
  onStdout: (chunk: Buffer) => boolean;
  onStderr: (chunk: Buffer) => boolean;
  signal?: AbortSignal | undefined;
}

/** Where a compiled program lies in the sandbox. */
export const PROGRAM = '/program';
/** Where a compile job writes what it has made: sources go in and results come out through descriptors alone. */
export const RESULT_DESCRIPTOR = 5;

/** Why the host ended a program. */
export type StopReason = 'wall' | 'output' | 'cancelled' | 'memory';

/** How a program ended, as seen from outside of it. By then its whole process tree is gone. */
export interface ExitReport {
  /** False where the sandbox could not be set up: then nothing of the program ran, and `trouble` says why, for the log. */
  started: boolean;
  setupError: string;
  /** As a shell would say it: 0..255, 128 + n for signal n. */
  exitCode: number;
  /** Undefined where it ended by itself. */
  stopReason: StopReason | undefined;
  /** The kernel's or the watchdog's word, not the program's. */
  outOfMemory: boolean;
  wallMs: number;
  cpuMs: number;
  peakMemoryBytes: number;
  /** The kernel's number of the pid namespace it had, so that it can be checked that nothing is left of it. */
  pidNamespace: number | undefined;
}

/** A sandbox with an interpreter in it that waits for its program. */
export type InterpreterSpec = Pick<Execution, 'argv' | 'env' | 'binds' | 'limits'> & {
  /** The file, read-only at `PROGRAM`, that waits for the program on the descriptor `INPUT_DESCRIPTOR`. */
  program?: number | undefined;
  /** Whether there is a `RESULT_DESCRIPTOR`; then the program is waited for on stdin, which is at its end afterwards. */
  hasResult?: boolean;
};

/** What an interpreter waits for. */
export interface StdinPayload {
  /** As the interpreter wants it; read to the end. */
  text: string | Uint8Array;
  stdin: Uint8Array;
}

/** A sandbox that is set up but for what is unknown before a program comes; nothing runs in it yet. */
export type EmptySandboxSpec = Pick<Execution, 'binds' | 'limits'> & {
  /** The files that the job will have in its work directory. */
  names: readonly string[];
  /** Lies at `PROGRAM` from the start, or when it is handed over; undefined: there is none. The caller closes it. */
  program: number | 'handed over' | undefined;
  hasResult: boolean;
};

/** What was unknown. */
export type LaunchInput = Pick<Execution, 'argv' | 'env' | 'program' | 'stdin'> & {
  /** In the order of the names. */
  contents: readonly Uint8Array[];
};

/** Where a waiting interpreter reads its program from, once, until the end. */
export const INPUT_DESCRIPTOR = 5;

/** What of a job it takes to watch it. */
export type SupervisionInput = Pick<Execution, 'limits' | 'onStdout' | 'onStderr' | 'onResult' | 'signal'>;

/** A sandbox that was set up beforehand. It runs one program, and dies. */
export interface WarmSandbox<Given> {
  /** False where it has died meanwhile. */
  readonly isAlive: boolean;
  /** What it holds while it waits: resident memory, with what is shared divided among those who share it. */
  residentBytes(): number;
  /** Hands over the program; from here on it is as `Sandbox.run`. */
  run(given: Given, job: SupervisionInput): Promise<ExitReport>;
  discard(): Promise<void>;
}

/** A way to run a program that nobody trusts. */
export interface Sandbox {
  readonly tier: Tier;
  /** Runs one program to its end. Rejects only where the host itself fails. */
  run(job: Execution): Promise<ExitReport>;
  /** Sets up a sandbox with an interpreter that waits for its program; undefined where this kind cannot. */
  startInterpreter?(shell: InterpreterSpec): WarmSandbox<StdinPayload>;
  /** Sets up a sandbox in which nothing runs yet; undefined where this kind cannot. */
  startEmpty?(blank: EmptySandboxSpec): WarmSandbox<LaunchInput>;
  /** Gives back what the sandbox holds on the host. No run may be in progress. */
  close(): Promise<void>;
}
