/**
 * The oldest Node that set-up runs on: the first of Node 20 with `process.loadEnvFile`. The app
 * runs on the Node 24 that set-up installs.
 */
export const OLDEST_NODE = '20.12';

/**
 * The sentence for a Node that set-up does not run on; undefined where it does.
 *
 * @param {string} [version]
 * @returns {string | undefined}
 */
export function nodeComplaint(version = process.versions.node) {
  const [major, minor] = version.split('.').map(Number);
  const [oldestMajor, oldestMinor] = OLDEST_NODE.split('.').map(Number);
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return undefined;
  return `Node ${version} is too old for set-up. Install Node ${OLDEST_NODE} or newer and try again; Node 24 is best.`;
}
