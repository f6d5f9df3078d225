/** `npm start`: prepares, then becomes the server. */
import { spawnSync } from 'node:child_process';
import { projectNode } from './bootstrap/setup.mjs';
import { withServerCapabilities } from './capabilities.ts';
import { prepare } from './prepare.ts';
import { SERVER_ARGUMENTS, serverEnvironment } from './server-process.ts';

await prepare('serve');
const [command, args] = withServerCapabilities(projectNode(), SERVER_ARGUMENTS);
// The server has this process's id: signals reach it, and no second Node stays in memory.
process.execve?.(pathOf(command), [command, ...args], serverEnvironment());

/** The file of a command, which `execve` needs. */
function pathOf(command: string): string {
  if (command.startsWith('/')) return command;
  return spawnSync('sh', ['-c', `command -v "${command}"`], { encoding: 'utf8' }).stdout.trim();
}
