/** @type {import('next').NextConfig} */
const config = {
  reactStrictMode: true,
  poweredByHeader: false,
  // `next dev` is opened by either name of this machine.
  allowedDevOrigins: ['127.0.0.1'],
  typedRoutes: true,
  // `tsc` checks the types in `npm test`; a first start should not wait for it.
  typescript: { ignoreBuildErrors: true },
  // Native modules and packages that start processes stay outside the bundles.
  // Paths that are no page, as proxy.ts marks them: looked at before the gateway's catch-all route.
  rewrites: async () => ({
    afterFiles: [
      { source: '/:path*', has: [{ type: 'header', key: 'x-not-found', value: '1' }], destination: '/_not-found' },
    ],
  }),
  serverExternalPackages: ['node-llama-cpp', 'pino', 'prom-client', 'undici', 'execa'],
};

export default config;
