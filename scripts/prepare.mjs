/**
 * The steps from a clone to a folder that can serve, shared by `npm start`, `npm run dev` and
 * `npm run setup`.
 */
import { ensureBuild, ensureDemo } from './build.mjs';
import { hasModel, needsEmbeddedModel, runModelScript } from './model.mjs';
import { ensurePackages, hasOlderPackages } from './packages.mjs';
import {
  deniedComplaint,
  ensureSystemTools,
  loadDotEnv,
  projectEnvironment,
  projectNode,
  requireNode,
  run,
  SetupError,
  say,
} from './setup.mjs';

/** What scripts/check-settings.ts ends with where the server could not listen on its port. */
const CANNOT_LISTEN = 98;

/**
 * Prepares for `purpose`: `serve` (the built pages, and a free port), `develop` (no build) or
 * `install` (the built pages, and nothing is started); `model: false` fetches no model. Ends the
 * process with one sentence where it cannot.
 */
export async function prepare(purpose, { model = true } = {}) {
  try {
    requireNode();
    loadDotEnv();
    // A server that runs from this folder is left alone: the port is tried before anything is
    // replaced under it.
    if (purpose === 'serve' && hasOlderPackages()) await refuseTakenPort();
    await ensurePackages();
    const check = ['scripts/check-settings.ts', ...(purpose === 'serve' ? ['--port'] : [])];
    if ((await run(projectNode(), check, { env: projectEnvironment() })) !== 0) process.exit(1);
    await ensureSystemTools({ bwrap: 'bubblewrap', python3: 'python3' });
    // An executor has no pages and asks no model.
    if (process.env.EXECUTOR_LANGUAGE?.trim()) return;
    if (model) await fetchModel();
    await (purpose === 'develop' ? ensureDemo() : ensureBuild());
  } catch (error) {
    const complaint = error instanceof SetupError ? error.message : deniedComplaint(error);
    if (complaint === undefined) throw error;
    say(complaint);
    process.exit(1);
  }
}

/**
 * With the packages of an older version the check may fail for other reasons, which are no reason
 * to stop.
 */
async function refuseTakenPort() {
  const said = [];
  const code = await run(projectNode(), ['scripts/check-settings.ts', '--port'], {
    env: projectEnvironment(),
    stdio: ['ignore', 'ignore', 'pipe'],
    onOutput: (chunk) => {
      said.push(chunk);
    },
  });
  if (code === CANNOT_LISTEN) throw new SetupError(Buffer.concat(said).toString().trimEnd());
}

/** Without the model the pages and the code runner still serve. */
async function fetchModel() {
  if (!(await needsEmbeddedModel(process.env)) || (await hasModel(process.env))) return;
  if ((await runModelScript('--quiet')) !== 0)
    say('Until there is a model, chat requests fail; the pages, the code runner and the gateway work.');
}
