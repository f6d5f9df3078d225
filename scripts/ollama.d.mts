export declare const OLLAMA_VERSION: string;

/** Resolves to the path of a real Ollama for the tests, or to undefined after it has logged what is missing to build one. */
export declare function ensureOllama(options?: {
  log?: (line: string) => void;
  env?: Readonly<Record<string, string | undefined>>;
}): Promise<string | undefined>;
