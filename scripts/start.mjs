/** `npm start`: from a fresh clone to a server that answers. Says in a few lines what it does. */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { withServerCapabilities } from './capabilities.mjs';
import { prepare } from './prepare.mjs';
import { projectNode, ROOT, SERVER_ARGUMENTS, serverEnvironment } from './setup.mjs';

await prepare('serve');
serve();

/** The server takes over the terminal; signals reach it, and its end is ours. */
function serve() {
  const [command, args] = withServerCapabilities(projectNode(), SERVER_ARGUMENTS);
  const server = spawn(command, args, {
    cwd: ROOT,
    env: serverEnvironment(),
    stdio: 'inherit',
  });
  // A terminal sends Ctrl-C to the whole process group: the server gets its own, a second one would end it at once.
  process.on('SIGINT', () => {});
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => server.kill(signal));
  server.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}
