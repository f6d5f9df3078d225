/**
 * The production entry: API routes on bare node:http, pages through Next, one process and one state.
 * Started by `npm start`, or directly: `node server.ts` in the project's folder, after `next build`.
 */
import { existsSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { flushCompileCache } from 'node:module';
import { type Config, ConfigError, config, listenHost } from '#lib/config/index';
import { modelDirectory } from '#lib/models/choose';
import { flushLog, log } from '#lib/observe/log';
import { shutDown } from '#lib/process';
import { runner } from '#lib/runner/index';
import { createAppServer, drain } from '#lib/server/app-server';
import { banner } from '#lib/server/banner';

if (existsSync('.env')) process.loadEnvFile('.env');
Object.assign(process.env, { NODE_ENV: 'production' });

const settings = readSettings();

// A rejection that nobody awaited is a bug, but no reason to drop everyone's running answers.
process.on('unhandledRejection', (error) => log().error({ err: error }, 'unhandled rejection'));
process.on('uncaughtException', (error) => {
  log().fatal({ err: error }, 'uncaught exception');
  flushLog();
  process.exit(1);
});

const server = await createAppServer({
  root: process.cwd(),
  loadPages: settings.EXECUTOR_LANGUAGE === undefined ? loadPages : async () => refusePage,
  executor: settings.EXECUTOR_LANGUAGE,
});
const host = listenHost(settings);

server.on('error', (error: NodeJS.ErrnoException) => fail(listenFailure(error)));
server.listen({ host, port: settings.PORT, backlog: 1024 }, () => void announce());

for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop(signal));

async function loadPages() {
  const { default: next } = await import('next');
  const app = next({ dev: false, dir: process.cwd(), hostname: host, port: settings.PORT });
  await app.prepare();
  return app.getRequestHandler();
}

/** An executor has no pages. */
async function refusePage(_incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const error = 'There is nothing at this address: this is an executor, with /health, /info, /execute and /validate.';
  outgoing.writeHead(404, { 'content-type': 'application/json; charset=utf-8' });
  outgoing.end(JSON.stringify({ error, code: 'not_found' }));
}

async function announce(): Promise<void> {
  const signal = AbortSignal.timeout(10_000);
  const [models, health] = await Promise.all([
    settings.EXECUTOR_LANGUAGE === undefined ? modelDirectory().list(signal).catch(asError) : NO_MODELS,
    runner().health().catch(asError),
  ]);
  process.stderr.write(`\n${banner(settings, settings.PORT, models, health)}\n\n`);
  // For the next start; does nothing where NODE_COMPILE_CACHE is not set.
  flushCompileCache();
}

const NO_MODELS = new Error('this is an executor of programs only');
let stopping = false;

async function stop(signal: string): Promise<void> {
  if (stopping) process.exit(1);
  stopping = true;
  log().info({ signal, open_for_at_most_ms: settings.SHUTDOWN_TIMEOUT_MS }, 'stopping');
  let closed: Promise<unknown> | undefined;
  const close = () => {
    closed ??= shutDown();
    return closed;
  };
  await drain(server, settings.SHUTDOWN_TIMEOUT_MS, close);
  await close();
  flushLog();
  process.exit(0);
}

function readSettings(): Config {
  try {
    return config();
  } catch (error) {
    if (error instanceof ConfigError) return fail(error.message);
    throw error;
  }
}

function listenFailure(error: NodeJS.ErrnoException): string {
  if (error.code === 'EADDRINUSE')
    return `Port ${settings.PORT} is taken by another program. Stop that one, or choose another port: PORT=${settings.PORT + 1} npm start`;
  if (error.code === 'EACCES')
    return `This user may not listen on port ${settings.PORT}. Choose a port above 1023: PORT=3000 npm start`;
  if (error.code === 'EADDRNOTAVAIL')
    return `HOST=${host} is not an address of this machine. Use 127.0.0.1, 0.0.0.0, or one of its own.`;
  return `The server cannot listen on ${host}:${settings.PORT}: ${error.message}`;
}

function fail(sentence: string): never {
  process.stderr.write(`${sentence}\n`);
  process.exit(1);
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
