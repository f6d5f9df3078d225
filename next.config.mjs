import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Where demo mode runs programs: an origin of its own, which nothing can be fetched from, and no script but the one in the
 * frame and what that is handed.
 */
const demoScript = /<script>(.*?)<\/script>/s.exec(
  readFileSync(join(import.meta.dirname, 'public', 'demo', 'frame.html'), 'utf8'),
)?.[1];
const demoPolicy = [
  'sandbox allow-scripts',
  "default-src 'none'",
  `script-src 'sha256-${createHash('sha256').update(`${demoScript}`).digest('base64')}' blob: 'wasm-unsafe-eval'`,
  'worker-src blob:',
  "connect-src 'none'",
  "frame-ancestors 'self'",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

/** @type {import('next').NextConfig} */
const config = {
  headers: async () => [
    {
      source: '/demo/:path*',
      headers: [
        { key: 'content-security-policy', value: demoPolicy },
        { key: 'x-content-type-options', value: 'nosniff' },
        { key: 'referrer-policy', value: 'no-referrer' },
      ],
    },
  ],
  reactStrictMode: true,
  poweredByHeader: false,
  // `next dev` is opened by either name of this machine.
  allowedDevOrigins: ['127.0.0.1'],
  typedRoutes: true,
  // `tsc` checks the types in `npm test`; a first start should not wait for it.
  typescript: { ignoreBuildErrors: true },
  // Paths that are no page, as proxy.ts marks them: looked at before the gateway's catch-all route.
  rewrites: async () => ({
    afterFiles: [
      { source: '/:path*', has: [{ type: 'header', key: 'x-not-found', value: '1' }], destination: '/_not-found' },
    ],
  }),
  turbopack: {
    rules: {
      // Imported as `….woff2?address`, a font is the address that the styles know it by.
      '*.woff2': { condition: { query: '?address' }, type: 'asset' },
      '**/uplot/dist/uPlot.esm.js': { loaders: ['./scripts/uplot-loader.cjs'] },
    },
  },
  // The first page would load the bundles of all routes as well, each with a copy of what it imports;
  // `server.ts` serves those routes without them.
  experimental: { preloadEntriesOnStart: false },
  // Native modules and packages that start processes stay outside the bundles.
  serverExternalPackages: ['node-llama-cpp', 'pino', 'prom-client', 'undici', 'execa'],
};

export default config;
