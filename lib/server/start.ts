import { existsSync } from 'node:fs';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { flushCompileCache } from 'node:module';
import { type Config, ConfigError, config, listenHost } from '#lib/config/index';
import { misspeltSettings } from '#lib/config/misspelt';
import { gateway } from '#lib/gateway/index';
import { showsKey } from '#lib/http/auth';
import { modelDirectory } from '#lib/models/choose';
import { flushLog, log } from '#lib/observe/log';
import { metrics } from '#lib/observe/metrics';
import { shutDown } from '#lib/process';
import { runner } from '#lib/runner/index';
import { preparationRoot } from '#lib/runner/preparation';
import { createAppServer, drain, type PageHandler } from '#lib/server/app-server';
import { banner } from '#lib/server/banner';
import { listenFailure } from '#lib/server/listen';
import { learnFirstData, providePageData } from '#lib/server/page-data';
import { type PastStarts, recordStart } from '#lib/server/past-starts';
import { currentStats } from '#lib/server/stats';

/** Makes what serves pages, for a server at this address. */
export type LoadPages = (address: { host: string; port: number }) => Promise<PageHandler>;

/** Reads the settings, listens, says so on standard error, and ends the process when it is told to. */
export async function startServer(loadPages: LoadPages): Promise<void> {
  if (existsSync('.env')) process.loadEnvFile('.env');
  const settings = readSettings();
  for (const warning of misspeltSettings()) process.stderr.write(`${warning}\n`);
  const address = { host: listenHost(settings), port: settings.PORT };
  const past = recordStart(preparationRoot(), settings.PORT, Date.now());
  tellOf(past);

  // A rejection that nobody awaited is a bug, but no reason to drop everyone's running answers.
  process.on('unhandledRejection', (error) => log().error({ err: error }, 'unhandled rejection'));
  process.on('uncaughtException', (error) => {
    log().fatal({ err: error }, 'uncaught exception');
    flushLog();
    process.exit(1);
  });

  if (settings.EXECUTOR_LANGUAGE === undefined)
    providePageData(
      {
        models: (signal) => modelDirectory().list(signal),
        runnerHealth: () => runner().health(),
        stats: async () => currentStats(),
        gatewayStats: async () => gateway().stats(),
      },
      (reader) => showsKey(reader, settings.API_KEYS, Date.now()),
    );
  const server = await createAppServer({
    root: process.cwd(),
    loadPages: settings.EXECUTOR_LANGUAGE === undefined ? () => loadPages(address) : async () => refusePage,
    executor: settings.EXECUTOR_LANGUAGE,
  });
  server.on('error', (error: NodeJS.ErrnoException) => {
    // It never was the server of this port.
    past.shutDown();
    fail(listenFailure(error, address));
  });
  server.listen({ ...address, backlog: 1024 }, () => void announce(settings, past));
  const stop = stopper(server, settings, past);
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop(signal));
}

/** A server that falls over and is started again, over and over, would look like one that is well. */
function tellOf({ uncleanExits }: PastStarts): void {
  metrics().uncleanExits.set(uncleanExits);
  if (uncleanExits === 0) return;
  log().error({ unclean_exits: uncleanExits }, 'servers on this port ended without being shut down in the last hour');
  // This one may not get to it either.
  flushLog();
}

/** An executor has no pages. */
async function refusePage(_incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const error = 'There is nothing at this address: this is an executor, with /health, /info, /execute and /validate.';
  outgoing.writeHead(404, { 'content-type': 'application/json; charset=utf-8' });
  outgoing.end(JSON.stringify({ error, code: 'not_found' }));
}

async function announce(settings: Config, { uncleanExits }: PastStarts): Promise<void> {
  const signal = AbortSignal.timeout(10_000);
  const [models, health] = await Promise.all([
    settings.EXECUTOR_LANGUAGE === undefined ? modelDirectory().list(signal).catch(asError) : NO_MODELS,
    runner().health().catch(asError),
  ]);
  process.stderr.write(`\n${banner(settings, settings.PORT, models, health, uncleanExits)}\n\n`);
  // The first page loads Next, and would find nobody with the time to tell it.
  await learnFirstData();
  // For the next start; does nothing where NODE_COMPILE_CACHE is not set.
  flushCompileCache();
}

const NO_MODELS = new Error('this is an executor of programs only');

/** What a signal does: the first drains the server, a second ends it at once. */
function stopper(server: Server, settings: Config, past: PastStarts): (signal: string) => Promise<void> {
  let stopping = false;
  return async (signal) => {
    if (stopping) process.exit(1);
    stopping = true;
    past.shutDown();
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
  };
}

function readSettings(): Config {
  try {
    return config();
  } catch (error) {
    if (error instanceof ConfigError) return fail(error.message);
    throw error;
  }
}

function fail(sentence: string): never {
  process.stderr.write(`${sentence}\n`);
  process.exit(1);
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
