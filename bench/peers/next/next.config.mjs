import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The project's own folder holds the packages. */
const root = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));

/** Where the gateway's table has `/proxied/…` rewritten to; known when it is built. */
const target = process.env.BENCH_PROXY_TARGET;

const config = {
  turbopack: { root },
  outputFileTracingRoot: root,
  typescript: { ignoreBuildErrors: true },
  rewrites: async () => (target === undefined ? [] : [{ source: '/proxied/:path*', destination: `${target}/:path*` }]),
};

export default config;
