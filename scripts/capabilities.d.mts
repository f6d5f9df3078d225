export declare const SERVER_CAPABILITIES: readonly string[];
export declare function withServerCapabilities(
  command: string,
  args: readonly string[],
  isRoot?: boolean,
): [string, readonly string[]];
