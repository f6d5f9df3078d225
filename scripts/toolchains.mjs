/** `npm run toolchains`: installs the languages of the code runner that are missing, through apt where we are root, else names them. */
import { ensureSystemTools, say, TOOLCHAINS } from './setup.mjs';

const missing = await ensureSystemTools(TOOLCHAINS);
if (missing.length === 0) say('Every language of the code runner is installed.');
else process.exitCode = 1;
