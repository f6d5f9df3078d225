import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * CSP of the frame in which demo mode runs programs: an opaque origin without network, and no
 * script but the frame's own and the programs it gets.
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
  // `next dev` is opened as localhost and as 127.0.0.1.
  allowedDevOrigins: ['127.0.0.1'],
  typedRoutes: true,
  // `npm test` runs `tsc`, and a first start should not wait for it.
  typescript: { ignoreBuildErrors: true },
  // Unknown paths, which proxy.ts marks, take precedence over the gateway's catch-all route.
  rewrites: async () => ({
    afterFiles: [
      { source: '/:path*', has: [{ type: 'header', key: 'x-not-found', value: '1' }], destination: '/_not-found' },
    ],
  }),
  turbopack: {
    rules: {
      // `….woff2?address` imports the URL of a font, the same that the styles use.
      '*.woff2': { condition: { query: '?address' }, type: 'asset' },
      '**/lucide-react/dist/esm/createLucideIcon.mjs': { loaders: ['./scripts/lucide-loader.cjs'] },
      '**/lucide-react/dist/esm/icons/*.mjs': { loaders: ['./scripts/lucide-loader.cjs'] },
      '**/uplot/dist/uPlot.esm.js': { loaders: ['./scripts/uplot-loader.cjs'] },
    },
  },
  experimental: {
    // The first page would also load the bundles of all routes, which `server.ts` does not use.
    preloadEntriesOnStart: false,
    // Many servers of this app speak HTTP/1.1, with six connections at a time: fewer, larger files.
    turbopackChunking: { requestCost: 600_000, minChunkSize: 100_000, firstPageLoadPriority: 0.7 },
  },
  // Native modules and packages that start processes stay out of the bundles.
  serverExternalPackages: [
    'node-llama-cpp',
    'pino',
    'prom-client',
    'undici',
    'execa',
    'kysely',
    'pg',
    'better-auth',
    'nodemailer',
  ],
};

export default config;
