/** `npm run dev`: the same set-up as `npm start`, then Next's development server, which runs the very same route files. */
import { prepare } from './prepare.mjs';
import { projectEnvironment, run } from './setup.mjs';

await prepare('develop');

const host = process.env.HOST || '127.0.0.1';
const port = process.env.PORT || '3000';
process.exitCode = await run('next', ['dev', '-H', host, '-p', port, ...process.argv.slice(2)], {
  env: projectEnvironment({ NEXT_TELEMETRY_DISABLED: '1' }),
});
