type CommonJsModule = (exports: unknown, require: (name: string) => unknown, module: { exports: unknown }) => void;

/** What the world outside of the engine does for the prelude. */
export interface PreludeHost {
  stdin: string;
  /** The program's file first. */
  args: readonly string[];
  write(stream: 'stdout' | 'stderr', text: string): void;
  /** Milliseconds since the program began. */
  now(): number;
  exit(code: number): void;
  file(name: string): string | undefined;
  /** The file that a relative name means. Throws where there is none. */
  resolve(name: string): string;
  compile(path: string): CommonJsModule;
}

/** What the prelude does for the world outside. */
export interface PreludeLoop {
  /** Milliseconds until the next timer is due; −1 where nothing is waited for. */
  untilNext(): number;
  /** Calls one timer that is due. */
  fire(): void;
  /** What a built-in module exports. */
  names(module: string): string[];
  describe(error: unknown): string;
  exitCode(): number;
}
