import type { Toolchain } from '#lib/runner/languages/language';

export const NODE = '/opt/node/bin/node';

/** The very Node that serves runs the programs: only that one file is bound. */
export function findNode(): Toolchain {
  return { binds: [{ from: process.execPath, at: NODE }], programs: { node: NODE } };
}
