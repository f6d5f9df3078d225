/** Packages that are bundled into the pages, and that an image does without. */
export declare const BUNDLED: readonly string[];
