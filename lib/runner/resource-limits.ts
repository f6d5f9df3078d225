import type { Config } from '#lib/config/config';

const MB = 1024 * 1024;

/** A compiler's own bounds, which are not the program's: g++ alone needs 200 MB. */
export function compilerLimits(settings: Config, cores: number): ResourceLimits {
  return {
    wallMs: settings.CODE_COMPILE_TIMEOUT_SECONDS * 1000,
    cpuSeconds: settings.CODE_COMPILE_TIMEOUT_SECONDS * cores,
    memoryBytes: settings.CODE_COMPILE_MEMORY_MB * MB,
    processes: COMPILE_PROCESSES,
    // Beside the program lies what it is made of, which is about as large.
    diskBytes: Math.max(LEAST_COMPILE_DISK_MB, 2 * settings.CODE_DISK_MB) * MB,
    openFiles: COMPILE_OPEN_FILES,
    dataBytes: Math.max(LEAST_DATA_BYTES, 16 * settings.CODE_COMPILE_MEMORY_MB * MB),
    outputBytes: settings.CODE_MAX_OUTPUT_BYTES,
  };
}

const COMPILE_PROCESSES = 128;
const LEAST_COMPILE_DISK_MB = 256;
const COMPILE_OPEN_FILES = 1024;

/** What one process tree may use. */
export interface ResourceLimits {
  /** From its start to its end. */
  wallMs: number;
  /** Sum over its threads, for each process. */
  cpuSeconds: number;
  memoryBytes: number;
  processes: number;
  diskBytes: number;
  openFiles: number;
  /** Writable private memory that one process may ask for, used or not. Runtimes ask for far more than they use. */
  dataBytes: number;
  /** Each of stdout and stderr. */
  outputBytes: number;
}

const MAX_OPEN_FILES = 512;
/** Above what Node and the JVM set aside, and above any single allocation that the bound on real memory should answer. */
const LEAST_DATA_BYTES = 16 * 1024 * MB;

/** The limits of a program that may take `seconds` of wall time on a machine with `cores`. */
export function programLimits(settings: Config, seconds: number, cores: number): ResourceLimits {
  return {
    wallMs: Math.ceil(seconds * 1000),
    // The clock outside ends a program first; this holds should the server not get to look at its clock.
    cpuSeconds: Math.ceil(seconds * cores) + 1,
    memoryBytes: settings.CODE_MEMORY_MB * MB,
    processes: settings.CODE_MAX_PROCESSES,
    diskBytes: settings.CODE_DISK_MB * MB,
    openFiles: MAX_OPEN_FILES,
    dataBytes: Math.max(LEAST_DATA_BYTES, 16 * settings.CODE_MEMORY_MB * MB),
    outputBytes: settings.CODE_MAX_OUTPUT_BYTES,
  };
}
