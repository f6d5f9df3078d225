/** What of set-up the benchmarks and the tests read. */
export declare const SERVER_ARGUMENTS: readonly string[];
export declare function serverEnvironment(): Record<string, string | undefined>;
