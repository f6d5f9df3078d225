/** `npm run dev`: the same set-up as `npm start`, then Next's development server, which runs the very same route files. */
import { ensureModel } from './model.mjs';
import {
  ensureDemo,
  ensurePackages,
  ensureSystemTools,
  loadDotEnv,
  projectEnvironment,
  run,
  SetupError,
  say,
} from './setup.mjs';

try {
  loadDotEnv();
  await ensurePackages();
  await ensureSystemTools({ bwrap: 'bubblewrap', python3: 'python3' });
  await ensureDemo();
  await ensureModel({ log: say, env: process.env });
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  say(error.message);
  process.exit(1);
}

const host = process.env.HOST || '127.0.0.1';
const port = process.env.PORT || '3000';
process.on('SIGINT', () => {});
process.exitCode = await run('next', ['dev', '-H', host, '-p', port, ...process.argv.slice(2)], {
  env: projectEnvironment({ NEXT_TELEMETRY_DISABLED: '1' }),
});
