/**
 * `npm run dev`: the set-up of `npm start`, then Next's development server over the same routes.
 */
import { projectEnvironment, run } from './bootstrap/setup.mjs';
import { prepare } from './prepare.ts';

await prepare('develop');

const host = process.env.HOST || '127.0.0.1';
const port = process.env.PORT || '3000';
process.exitCode = await run('next', ['dev', '-H', host, '-p', port, ...process.argv.slice(2)], {
  env: projectEnvironment({ NEXT_TELEMETRY_DISABLED: '1' }),
});
