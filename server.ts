/**
 * Production entry point: API routes on node:http, pages through Next, in one process. Started by
 * `npm start`, or after `next build` by `node server.ts` in the project's folder. See
 * docs/decisions/0004-custom-server-next-to-next.md.
 */
import { createServer } from '#lib/node-http';
import { type LoadPages, startServer } from '#lib/server/start';

const loadPages: LoadPages = async ({ host, port }) => {
  const { default: next } = await import('next');
  // Next adds an upgrade listener to this server, or to the one a request came from, and destroys
  // sockets with unknown paths. This dummy server gets no upgrades.
  const httpServer = createServer();
  const app = next({ dev: false, dir: process.cwd(), hostname: host, port, httpServer });
  await app.prepare();
  return app.getRequestHandler();
};

// An import only compiles it (scripts/precompile.ts). Node 22 has no `import.meta.main` and
// starts.
if (import.meta.main !== false) {
  Object.assign(process.env, { NODE_ENV: 'production' });
  await startServer(loadPages);
}
