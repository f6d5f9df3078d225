import type { Config } from '#lib/config/config';
import { MIB } from '#lib/units';

/** The limits of a compiler, which needs more memory than most programs. */
export function compilerLimits(settings: Config, cores: number): ResourceLimits {
  return {
    wallMs: settings.CODE_COMPILE_TIMEOUT_SECONDS * 1000,
    cpuSeconds: settings.CODE_COMPILE_TIMEOUT_SECONDS * cores,
    memoryBytes: settings.CODE_COMPILE_MEMORY_MB * MIB,
    processes: COMPILE_PROCESSES,
    // The object files are about as large as the program.
    diskBytes: Math.max(MIN_COMPILE_DISK_MB, 2 * settings.CODE_DISK_MB) * MIB,
    openFiles: COMPILE_OPEN_FILES,
    dataBytes: Math.max(MIN_DATA_BYTES, 16 * settings.CODE_COMPILE_MEMORY_MB * MIB),
    outputBytes: settings.CODE_MAX_OUTPUT_BYTES,
  };
}

const COMPILE_PROCESSES = 128;
const MIN_COMPILE_DISK_MB = 256;
const COMPILE_OPEN_FILES = 1024;

/** What one process tree may use. */
export interface ResourceLimits {
  /** From its start to its end. */
  wallMs: number;
  /** Of each process, summed over its threads. */
  cpuSeconds: number;
  memoryBytes: number;
  processes: number;
  diskBytes: number;
  openFiles: number;
  /** Private writable memory that a process may reserve, used or not. Runtimes reserve a lot. */
  dataBytes: number;
  /** Each of stdout and stderr. */
  outputBytes: number;
}

const MAX_OPEN_FILES = 512;
/** Above what Node and the JVM reserve, so that the limit of real memory applies first. */
const MIN_DATA_BYTES = 16 * 1024 * MIB;

/** The limits of a program with `seconds` of wall time on a machine with `cores`. */
export function programLimits(settings: Config, seconds: number, cores: number): ResourceLimits {
  return {
    wallMs: Math.ceil(seconds * 1000),
    // The wall clock ends a program first. This limit holds if the server is too busy to check.
    cpuSeconds: Math.ceil(seconds * cores) + 1,
    memoryBytes: settings.CODE_MEMORY_MB * MIB,
    processes: settings.CODE_MAX_PROCESSES,
    diskBytes: settings.CODE_DISK_MB * MIB,
    openFiles: MAX_OPEN_FILES,
    dataBytes: Math.max(MIN_DATA_BYTES, 16 * settings.CODE_MEMORY_MB * MIB),
    outputBytes: settings.CODE_MAX_OUTPUT_BYTES,
  };
}
