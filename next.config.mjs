/** @type {import('next').NextConfig} */
const config = {
  reactStrictMode: true,
  poweredByHeader: false,
  typedRoutes: true,
  // Native modules and packages that start processes stay outside the bundles.
  serverExternalPackages: ['node-llama-cpp', 'pino', 'prom-client', 'undici', 'execa'],
};

export default config;
