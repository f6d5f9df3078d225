/** Writes `.env.example` from the table of settings: `npm run env-example`. */
import { writeFileSync } from 'node:fs';
import { envExample } from '#lib/config/env-example';

writeFileSync(new URL('../.env.example', import.meta.url), envExample());
