/**
 * `npm run setup`: everything that `npm start` makes sure of, for a server that a supervisor
 * starts. `--no-model` leaves out the built-in model.
 */
import { say } from './bootstrap/setup.mjs';
import { prepare } from './prepare.ts';

await prepare('install', { model: !process.argv.includes('--no-model') });
say('Set up. Start it with npm start, or with deploy/chill-space.service.');
