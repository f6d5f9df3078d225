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
/** Whether what npm recorded as installed is what the lock file names, and the lock file is of this package.json. */
export declare function matchesLockFile(record: LockFile, lock: LockFile, manifest: LockEntry): boolean;
