/** `npm run toolchains`: installs what the languages of the code runner need, or names it. */
import { say } from './bootstrap/setup.mjs';
import { ensureSystemTools, TOOLCHAINS } from './system-tools.ts';

const missing = await ensureSystemTools(TOOLCHAINS);
if (missing.length === 0) say('Every language of the code runner is installed.');
else process.exitCode = 1;
