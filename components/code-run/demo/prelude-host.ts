type CommonJsModule = (exports: unknown, require: (name: string) => unknown, module: { exports: unknown }) => void;

/** What the host provides to the prelude. */
export interface PreludeHost {
  stdin: string;
  /** The program's file first. */
  args: readonly string[];
  write(stream: 'stdout' | 'stderr', text: string): void;
  /** Milliseconds since the start of the program. */
  now(): number;
  exit(code: number): void;
  file(name: string): string | undefined;
  /** Resolves a relative import. Throws if no file matches. */
  resolve(name: string): string;
  compile(path: string): CommonJsModule;
}

/** What the prelude provides to the host. */
export interface PreludeLoop {
  /** Milliseconds until the next timer; −1 without timers. */
  untilNext(): number;
  /** Calls one due timer. */
  fire(): void;
  /** Names that a built-in module exports. */
  names(module: string): string[];
  describe(error: unknown): string;
  exitCode(): number;
}
