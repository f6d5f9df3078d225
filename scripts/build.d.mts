export declare function ensureBuild(options?: { force?: boolean }): Promise<void>;
export declare function ensureDemo(): Promise<void>;
/** Whether `root` has a whole build of its present sources. */
export declare function isBuilt(root: string): boolean;
export declare function sourceFingerprint(root: string): string;
export declare function writeStamp(root: string, sources: string): void;
