/**
 * `npm run setup`: everything that `npm start` makes sure of, for a server that something else
 * starts. `--no-model` leaves the built-in model to that.
 */
import { prepare } from './prepare.mjs';
import { say } from './setup.mjs';

await prepare('install', { model: !process.argv.includes('--no-model') });
say('Set up. Start it with npm start, or with deploy/chill-space.service.');
