/**
 * Production entry point: API routes on node:http, pages through Next, in one process, or with
 * WORKERS in several. Started by `npm start`, or after `next build` by `node server.ts` in the
 * project's folder. See docs/decisions/0004-custom-server-next-to-next.md and
 * docs/decisions/0040-workers.md.
 */
import { existsSync } from 'node:fs';
import { createServer } from '#lib/node-http';
import { loadZod } from '#lib/server/load-zod';
import type { LoadPages } from '#lib/server/start';

const loadPages: LoadPages = async ({ host, port }) => {
  const { default: next } = await import('next');
  // Next adds an upgrade listener to this server, or to the one a request came from, and destroys
  // sockets with unknown paths. This dummy server gets no upgrades.
  const httpServer = createServer();
  const app = next({ dev: false, dir: process.cwd(), hostname: host, port, httpServer });
  await app.prepare();
  return app.getRequestHandler();
};

/** Whether this process is the supervisor of others, which loads nothing of a server. */
async function supervises(): Promise<boolean> {
  const { workerProcess } = await import('#lib/worker-process');
  if (workerProcess() !== undefined) return false;
  if (existsSync('.env')) process.loadEnvFile('.env');
  if (['', '1'].includes(process.env.WORKERS?.trim() ?? '')) return false;
  const { superviseWorkers } = await import('#lib/server/workers/supervisor');
  return await superviseWorkers();
}

// An import only compiles it (scripts/precompile.ts). Node 22 has no `import.meta.main` and
// starts.
if (import.meta.main !== false) {
  Object.assign(process.env, { NODE_ENV: 'production' });
  await loadZod();
  if (!(await supervises())) {
    const { startServer } = await import('#lib/server/start');
    await startServer(loadPages);
  }
}
