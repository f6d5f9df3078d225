/** `npm start`: prepares, then becomes the server. */
import { spawnSync } from 'node:child_process';
import { projectNode, say } from './bootstrap/setup.mjs';
import { withServerCapabilities } from './capabilities.ts';
import { prepare } from './prepare.ts';
import { SERVER_ARGUMENTS, serverEnvironment } from './server-process.ts';

await prepare('serve');
const [command, args] = withServerCapabilities(projectNode(), SERVER_ARGUMENTS);
if (process.execve === undefined) {
  say(`Node ${process.versions.node} cannot start the server. Remove node_modules and run npm start again.`);
  process.exit(1);
}
// The server takes this process over, so that signals reach it.
process.execve(pathOf(command), [command, ...args], serverEnvironment());

/** The file of a command, which `execve` needs. */
function pathOf(command: string): string {
  if (command.startsWith('/')) return command;
  return spawnSync('sh', ['-c', `command -v "${command}"`], { encoding: 'utf8' }).stdout.trim();
}
