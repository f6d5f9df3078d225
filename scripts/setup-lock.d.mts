/** Runs `work` while this process alone holds the lock file, and resolves with its result. */
export declare function exclusively<T>(
  file: string,
  task: string,
  say: (line: string) => void,
  work: (alsoHeldBy: (pid: number) => void) => Promise<T>,
): Promise<T>;
