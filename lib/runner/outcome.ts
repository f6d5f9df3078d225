import type { ResourceLimits } from '#lib/runner/resource-limits';
import type { ExitReport } from '#lib/runner/sandbox/sandbox';
import type { CodeResult, RunStatus } from '#lib/wire/code';

export interface Verdict {
  status: RunStatus;
  exitCode: number;
  /** A sentence; null where the program ended by itself. */
  error: string | null;
}

/** What a run came to, judged by what was seen from outside of it alone: nothing that a program prints counts. Pure. */
export function judge(ended: ExitReport, limits: ResourceLimits, stage: CodeResult['stage'] = 'run'): Verdict {
  const who = stage === 'run' ? 'The program' : 'The compiler';
  // What was stopped while its sandbox was being set up did not fail to be set up.
  if (!ended.started && ended.stopReason === undefined)
    return {
      status: 'internal_error',
      exitCode: -1,
      error: 'The sandbox could not be set up; the program did not run.',
    };
  const outcome = (status: RunStatus, error: string | null): Verdict => ({ status, exitCode: ended.exitCode, error });
  if (ended.outOfMemory || ended.stopReason === 'memory') return outcome('memory_limit', memoryMessage(who, limits));
  switch (ended.stopReason) {
    case 'wall':
      return outcome('timeout', `${who} was stopped: it ran for longer than ${seconds(limits.wallMs)}.`);
    case 'output':
      return outcome(
        'output_limit',
        `${who} was stopped: it wrote more than ${limits.outputBytes} bytes to one of its outputs.`,
      );
    case 'cancelled':
      return outcome('killed', `${who} was stopped: its caller went away or asked for it.`);
    default:
  }
  if (stage === 'compile' && ended.exitCode > 0 && ended.exitCode < 128)
    return outcome('compile_error', 'The program does not compile.');
  const signal = ended.exitCode > 128 ? SIGNALS[ended.exitCode - 128] : undefined;
  if (signal === undefined) return outcome(ended.exitCode === 0 ? 'success' : 'runtime_error', null);
  if (signal === 'SIGXCPU') return outcome('timeout', `${who} was stopped: it used too much CPU time.`);
  // A runtime that cannot get memory gives up by itself (V8 does); what it held then tells it from other aborts.
  if (GIVES_UP_WITH.has(signal) && ended.peakMemoryBytes >= limits.memoryBytes * NEARLY_ALL)
    return outcome('memory_limit', memoryMessage(who, limits));
  if (signal === 'SIGKILL') return outcome('killed', `${who} was ended by SIGKILL.`);
  return outcome('runtime_error', `${who} was ended by ${signal}${MEANINGS[signal] ?? ''}.`);
}

/**
 * What to say of a compilation that came to the end of its disk, or whose program is too large to
 * be kept: undefined where neither is so. Of the first the compiler tells, in words that every
 * compiler has of its own. Pure.
 */
export function diskFullMessage(
  compiled: Pick<CodeResult, 'status' | 'stderr'>,
  limits: ResourceLimits,
  program: { overflowed: boolean; maxBytes: number },
): string | undefined {
  if (program.overflowed)
    return `The compiled program is larger than ${megabytes(program.maxBytes)} MB: no larger one is taken here.`;
  const { status, stderr } = compiled;
  if (status !== 'compile_error' || ERROR_AT_A_PLACE.test(stderr) || !DISK_IS_FULL.test(stderr)) return undefined;
  return `The program does not compile: the compiler's disk holds ${megabytes(limits.diskBytes)} MB, which is too little for it.`;
}

/**
 * How the tools themselves begin a line (Go's, linkers, the GNU compiler and assembler, rustc), and
 * what the C library, mold, the GNU compiler, and ld when it writes to memory that has no disk
 * behind it then say. What a program has them say stands behind a place in it, or, of rustc, before
 * one.
 */
const DISK_IS_FULL =
  /^(?!.*:\d+(?::\d+)?: )(?:(?:\/\S*\/)?(?:compile|link|mold|ld(?:\.\w+)?|rust-lld|cc1plus|collect2|as|g\+\+|c\+\+|cc|gcc|sh|cat|tar|mkdir|\{standard input\}): |error: (?:failed|could|couldn't|cannot|unable|linking) ).*(?:[Nn]o space left on device|Disk full\?|[Ff]ile size limit exceeded|terminated with signal 7 \[Bus error\]).*$(?!(?:\n {7}.*)*\n *-->)/m;
/** An error in the source itself, whose message may be of several lines. */
const ERROR_AT_A_PLACE = /:\d+:\d+: (?:fatal )?error: /;

const NEARLY_ALL = 0.9;
const GIVES_UP_WITH = new Set(['SIGABRT', 'SIGTRAP', 'SIGILL', 'SIGKILL']);

function memoryMessage(who: string, limits: ResourceLimits): string {
  return `${who} was stopped: it needed more than ${megabytes(limits.memoryBytes)} MB of memory.`;
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1024 / 1024);
}

function seconds(ms: number): string {
  const value = ms / 1000;
  return value === 1 ? '1 second' : `${value} seconds`;
}

/** The signals that end a program by themselves, by Linux's numbers. */
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
  SIGABRT: ' (it aborted)',
  SIGSEGV: ' (it used memory that is not its own)',
  SIGFPE: ' (an arithmetic fault, such as a division by zero)',
  SIGXFSZ: ' (it wrote more than its disk holds)',
  SIGSYS: ' (it made a system call that is not allowed here)',
};
