/** `npm run setup`: everything that `npm start` makes sure of, for a server that something else starts. */
import { prepare } from './prepare.mjs';
import { say } from './setup.mjs';

await prepare('install');
say('Set up. Start it with npm start, or with deploy/chill-space.service.');
