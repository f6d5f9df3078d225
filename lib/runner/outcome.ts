import type { ResourceLimits } from '#lib/runner/resource-limits';
import type { ExitReport } from '#lib/runner/sandbox/sandbox';
import type { CodeResult, RunStatus } from '#lib/wire/code';

export interface Verdict {
  status: RunStatus;
  exitCode: number;
  /** A sentence; null if the program ended by itself. */
  error: string | null;
}

/** Judges a run only by what the host observed, never by what the program printed. Pure. */
export function judge(report: ExitReport, limits: ResourceLimits, stage: CodeResult['stage'] = 'run'): Verdict {
  const who = stage === 'run' ? 'The program' : 'The compiler';
  const stopped = stage === 'run' ? 'Stopped' : 'The compiler was stopped';
  // A run that was stopped during set-up is not a failed set-up.
  if (!report.started && report.stopReason === undefined)
    return {
      status: 'internal_error',
      exitCode: -1,
      error: 'The sandbox could not be set up, so the program did not run.',
    };
  const outcome = (status: RunStatus, error: string | null): Verdict => ({ status, exitCode: report.exitCode, error });
  if (report.outOfMemory || report.stopReason === 'memory')
    return outcome('memory_limit', memoryMessage(stopped, limits));
  switch (report.stopReason) {
    case 'wall':
      return outcome(
        'timeout',
        `${stage === 'run' ? 'Timed' : 'The compiler timed'} out after ${limits.wallMs / 1000} s.`,
      );
    case 'output':
      return outcome('output_limit', `${stopped}: more than ${formatOutput(limits.outputBytes)} of output.`);
    case 'cancelled':
      return outcome('killed', `${stopped}: the request was cancelled.`);
    default:
  }
  if (stage === 'compile' && report.exitCode > 0 && report.exitCode < 128)
    return outcome('compile_error', 'The program does not compile.');
  const signal = report.exitCode > 128 ? SIGNALS[report.exitCode - 128] : undefined;
  if (signal === undefined) return outcome(report.exitCode === 0 ? 'success' : 'runtime_error', null);
  if (signal === 'SIGXCPU') return outcome('timeout', `${stopped}: too much CPU time.`);
  // A runtime that gets no memory aborts (V8 does). Its memory use separates that from other
  // aborts.
  if (GIVES_UP_WITH.has(signal) && report.peakMemoryBytes >= limits.memoryBytes * NEARLY_ALL)
    return outcome('memory_limit', memoryMessage(stopped, limits));
  if (signal === 'SIGKILL') return outcome('killed', `${who} was ended by SIGKILL.`);
  return outcome('runtime_error', `${who} was ended by ${signal}${MEANINGS[signal] ?? ''}.`);
}

/**
 * The error of a compilation that filled its disk, or whose program is too large; otherwise
 * undefined. A full disk is recognised by the messages of the tools. Pure.
 */
export function diskFullMessage(
  compiled: Pick<CodeResult, 'status' | 'stderr'>,
  limits: ResourceLimits,
  program: { overflowed: boolean; maxBytes: number },
): string | undefined {
  if (program.overflowed)
    return `The compiled program is larger than ${megabytes(program.maxBytes)} MB, which is the limit.`;
  const { status, stderr } = compiled;
  if (status !== 'compile_error' || SOURCE_ERROR.test(stderr) || !DISK_IS_FULL.test(stderr)) return undefined;
  return `The program does not compile: it needs more than the ${megabytes(limits.diskBytes)} MB of disk that compilers have.`;
}

/**
 * A line that a tool starts (Go's tools, linkers, the GNU compiler and assembler, rustc) with an
 * error of the C library, mold, the GNU compiler, or ld on a full tmpfs. A message that the source
 * causes has a source location before it, or, from rustc, after it.
 */
const DISK_IS_FULL =
  /^(?!.*:\d+(?::\d+)?: )(?:(?:\/\S*\/)?(?:compile|link|mold|ld(?:\.\w+)?|rust-lld|cc1plus|collect2|as|g\+\+|c\+\+|cc|gcc|sh|cat|tar|mkdir|\{standard input\}): |error: (?:failed|could|couldn't|cannot|unable|linking) ).*(?:[Nn]o space left on device|Disk full\?|[Ff]ile size limit exceeded|terminated with signal 7 \[Bus error\]).*$(?!(?:\n {7}.*)*\n *-->)/m;
/** An error in the source, whose message may have several lines. */
const SOURCE_ERROR = /:\d+:\d+: (?:fatal )?error: /;

const NEARLY_ALL = 0.9;
const GIVES_UP_WITH = new Set(['SIGABRT', 'SIGTRAP', 'SIGILL', 'SIGKILL']);

function memoryMessage(stopped: string, limits: ResourceLimits): string {
  return `${stopped}: more than ${megabytes(limits.memoryBytes)} MB of memory.`;
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1024 / 1024);
}

/** The limit of output is set in bytes of which 1,000 are a KB: 100,000 by default. */
function formatOutput(bytes: number): string {
  if (bytes < 1_000) return `${bytes} bytes`;
  return bytes < 1_000_000
    ? `${Number((bytes / 1_000).toFixed(1))} KB`
    : `${Number((bytes / 1_000_000).toFixed(1))} MB`;
}

/** Signals whose default action ends a process, by their number on Linux. */
const SIGNALS: Record<number, string> = {
  1: 'SIGHUP',
  2: 'SIGINT',
  3: 'SIGQUIT',
  4: 'SIGILL',
  5: 'SIGTRAP',
  6: 'SIGABRT',
  7: 'SIGBUS',
  8: 'SIGFPE',
  9: 'SIGKILL',
  10: 'SIGUSR1',
  11: 'SIGSEGV',
  12: 'SIGUSR2',
  13: 'SIGPIPE',
  14: 'SIGALRM',
  15: 'SIGTERM',
  24: 'SIGXCPU',
  25: 'SIGXFSZ',
  31: 'SIGSYS',
};

const MEANINGS: Record<string, string> = {
  SIGABRT: ' (abort)',
  SIGSEGV: ' (invalid memory access)',
  SIGFPE: ' (arithmetic error, such as division by zero)',
  SIGXFSZ: ' (disk full)',
  SIGSYS: ' (system call not allowed)',
};
