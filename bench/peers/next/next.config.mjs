import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The project's own folder holds the packages. */
const root = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));

const config = { turbopack: { root }, outputFileTracingRoot: root, typescript: { ignoreBuildErrors: true } };

export default config;
