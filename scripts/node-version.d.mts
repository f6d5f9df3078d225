export declare const OLDEST_NODE: string;
/** The sentence for a Node that set-up does not run on; undefined where it does. */
export declare function nodeComplaint(version?: string): string | undefined;
