/**
 * The steps from installed packages to a folder that can serve, shared by `npm start`, `npm run
 * dev` and `npm run setup`.
 */
import { deniedComplaint, projectEnvironment, projectNode, run, SetupError, say } from './bootstrap/setup.mjs';
import { ensureBuild, ensureDemo } from './build.ts';
import { hasModel, needsEmbeddedModel, runModelScript } from './model.ts';
import { ensureSystemTools } from './system-tools.ts';

/**
 * Prepares for `purpose`: `serve` (the built pages, and a free port), `develop` (no build) or
 * `install` (the built pages, and nothing is started); `model: false` fetches no model. Ends the
 * process with one sentence if it cannot.
 */
export async function prepare(
  purpose: 'serve' | 'develop' | 'install',
  { model = true }: { model?: boolean } = {},
): Promise<void> {
  try {
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

/** Without the model the pages and the code runner still serve. */
async function fetchModel(): Promise<void> {
  if (!(await needsEmbeddedModel(process.env)) || (await hasModel(process.env))) return;
  if ((await runModelScript('--quiet')) !== 0)
    say('Until there is a model, chat requests fail; the pages, the code runner and the gateway work.');
}
