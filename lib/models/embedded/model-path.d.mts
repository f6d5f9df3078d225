export declare const DEFAULT_MODEL: Readonly<{
  id: string;
  repository: string;
  file: string;
  bytes: number;
  sha256: string;
  pythonPackage: string;
  pythonMember: string;
}>;

export interface LocationEnvironment {
  readonly EMBEDDED_MODEL?: string | undefined;
  readonly MODEL_CACHE_DIR?: string | undefined;
  readonly XDG_CACHE_HOME?: string | undefined;
}

export type ModelLocation =
  | {
      kind: 'hub';
      /** The name that requests call the model by. */
      id: string;
      repository: string;
      file: string;
      /** Where the file lies once it is fetched. */
      path: string;
      sha256?: string;
      bytes?: number;
      isDefault: boolean;
    }
  | { kind: 'path'; id: string; path: string; isDefault: false };

export declare function modelCacheFolder(env: LocationEnvironment): string;
export declare function modelLocation(env: LocationEnvironment): ModelLocation;
