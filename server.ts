/**
 * The production entry: API routes on bare node:http, pages through Next, one process and one state.
 * Started by `npm start`, or directly: `node server.ts` in the project's folder, after `next build`.
 */
import { createServer } from 'node:http';
import { type LoadPages, startServer } from '#lib/server/start';

const loadPages: LoadPages = async ({ host, port }) => {
  const { default: next } = await import('next');
  // Next listens for upgrades on the server that it is given, and otherwise on the one that a
  // request came by; it ends every socket whose path it does not know. On this one none ever come.
  const httpServer = createServer();
  const app = next({ dev: false, dir: process.cwd(), hostname: host, port, httpServer });
  await app.prepare();
  return app.getRequestHandler();
};

// Imported, it does nothing: so it is compiled before it is first run (scripts/precompile.ts). Node 22 cannot tell, and starts.
if (import.meta.main !== false) {
  Object.assign(process.env, { NODE_ENV: 'production' });
  await startServer(loadPages);
}
