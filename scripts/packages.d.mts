interface LockEntry {
  version?: string;
  integrity?: string;
  optional?: boolean;
  devOptional?: boolean;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
}
export interface LockFile {
  packages: Record<string, LockEntry>;
}
/**
 * Whether what npm recorded as installed is what the lock file names, and the lock file is of this
 * package.json.
 */
export declare function matchesLockFile(record: LockFile, lock: LockFile, manifest: LockEntry): boolean;
/** Reads npm's log, and aborts `giveUp` when the registry does not answer, or answers no longer. */
export declare function watchNpm(report: { note: (text: string) => void; line: (text: string) => void }): {
  giveUp: AbortSignal;
  stop: () => void;
  read: (chunk: string | Buffer) => void;
  complaint: () => string;
};
