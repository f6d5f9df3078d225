/**
 * `node scripts/run.mjs <script> [arguments]`: installs the packages, Node 24 among them, and runs
 * `scripts/<script>.ts` with that Node. The entry of `npm start`, `npm test` and the other
 * commands.
 */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { join } from 'node:path';
import { ensurePackages, hasOlderPackages } from './bootstrap/packages.mjs';
import {
  deniedComplaint,
  loadDotEnv,
  projectEnvironment,
  projectNode,
  ROOT,
  requireNode,
  run,
  SetupError,
  say,
} from './bootstrap/setup.mjs';

/** What scripts/check-settings.ts ends with if the server could not listen on its port. */
const CANNOT_LISTEN = 98;

const [script = '', ...args] = process.argv.slice(2);

try {
  requireNode();
  // Tests have their own settings.
  if (script !== 'test') loadDotEnv();
  // The port is tried before packages are replaced under a server that runs from this folder.
  if (script === 'start' && hasOlderPackages()) await refuseTakenPort();
  await ensurePackages();
  handOver();
} catch (error) {
  const complaint = error instanceof SetupError ? error.message : deniedComplaint(error);
  if (complaint === undefined) throw error;
  say(complaint);
  // The last line of `npm test` is always the total.
  if (script === 'test') console.log('0 passed, 1 failed');
  process.exit(1);
}

/**
 * With the packages of an older version the check may fail for other reasons, which do not stop
 * the start.
 */
async function refuseTakenPort() {
  const output = [];
  const code = await run(projectNode(), ['scripts/check-settings.ts', '--port'], {
    env: projectEnvironment(),
    stdio: ['ignore', 'ignore', 'pipe'],
    onOutput: (chunk) => {
      output.push(chunk);
    },
  });
  if (code === CANNOT_LISTEN) throw new SetupError(Buffer.concat(output).toString().trimEnd());
}

/** The script takes over the terminal: signals reach it, and its end ends this process. */
function handOver() {
  const child = spawn(projectNode(), [join('scripts', `${script}.ts`), ...args], {
    cwd: ROOT,
    env: projectEnvironment(),
    stdio: 'inherit',
  });
  // Ctrl-C reaches the whole process group: the script gets its own, and a second one would end a
  // server at once.
  process.on('SIGINT', () => {});
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    say(`${projectNode()} cannot be run (${error.code}). Remove node_modules and try again.`);
    if (script === 'test') console.log('0 passed, 1 failed');
    process.exit(1);
  });
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}
