/**
 * A server that root starts keeps, of root's capabilities (capabilities(7)), those that its
 * sandbox needs and no other: a fault in the server then cannot mount, load kernel modules, change
 * the network, make devices or stop the machine.
 */
import { spawnSync } from 'node:child_process';

/** What each is for; a test runs every language with these alone. */
export const SERVER_CAPABILITIES: readonly string[] = [
  // Programs run as another user of the host.
  'setuid',
  'setgid',
  // Maps users into the namespace of a sandbox (since Linux 5.12 where user 0 is mapped).
  'setfcap',
  // Ends programs of that user.
  'kill',
  // Sees what they use below /proc.
  'sys_ptrace',
  // Binds a toolchain in root's home into a sandbox, and reads settings and models that belong to
  // other users.
  'dac_override',
  // Ports below 1024.
  'net_bind_service',
];

/**
 * The command that runs `command` with `args` and these capabilities alone. It is returned as it
 * is where this process is not root's, or where the machine has no setpriv (util-linux) that may
 * take them away. setpriv becomes the command: its process id and its signals are the command's.
 */
export function withServerCapabilities(
  command: string,
  args: readonly string[],
  isRoot = process.getuid?.() === 0,
): [string, readonly string[]] {
  if (!isRoot) return [command, args];
  const bounds = [
    '--bounding-set',
    `-all,${SERVER_CAPABILITIES.map((name) => `+${name}`).join(',')}`,
    '--inh-caps',
    '-all',
  ];
  const works = spawnSync('setpriv', [...bounds, 'true'], { stdio: 'ignore' }).status === 0;
  return works ? ['setpriv', [...bounds, command, ...args]] : [command, args];
}
