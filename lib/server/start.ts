import { existsSync } from 'node:fs';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { flushCompileCache } from 'node:module';
import { type Config, ConfigError, config, listenHost } from '#lib/config/config';
import { unknownSettings } from '#lib/config/unknown-settings';
import { asError } from '#lib/errors';
import { gateway } from '#lib/gateway/index';
import { hasValidKey } from '#lib/http/auth';
import { modelDirectory } from '#lib/models/model-directory';
import { runner } from '#lib/runner/index';
import { toolchainCacheRoot } from '#lib/runner/toolchain-cache';
import { createAppServer, drain, type PageHandler } from '#lib/server/app-server';
import { banner } from '#lib/server/banner';
import { type CrashRecord, recordStart } from '#lib/server/crash-counter';
import { currentStats } from '#lib/server/current-stats';
import { provideInitialData, warmInitialData } from '#lib/server/initial-data';
import { listenFailure } from '#lib/server/listen-error';
import { shutDown } from '#lib/shutdown';
import { flushLog, log } from '#lib/telemetry/log';
import { metrics } from '#lib/telemetry/metrics';

/** Makes what serves pages, for a server at this address. */
export type LoadPages = (address: { host: string; port: number }) => Promise<PageHandler>;

/** Reads the settings, listens, says so on standard error, and ends the process when it is told to. */
export async function startServer(loadPages: LoadPages): Promise<void> {
  if (existsSync('.env')) process.loadEnvFile('.env');
  const settings = readSettings();
  for (const warning of unknownSettings()) process.stderr.write(`${warning}\n`);
  const address = { host: listenHost(settings), port: settings.PORT };
  const past = recordStart(toolchainCacheRoot(), settings.PORT, Date.now());
  tellOf(past);

  // A rejection that nobody awaited is a bug, but no reason to drop everyone's running answers.
  process.on('unhandledRejection', (error) => log().error({ err: error }, 'unhandled rejection'));
  process.on('uncaughtException', (error) => {
    log().fatal({ err: error }, 'uncaught exception');
    flushLog();
    process.exit(1);
  });

  if (settings.EXECUTOR_LANGUAGE === undefined)
    provideInitialData(
      {
        models: (signal) => modelDirectory().list(signal),
        runnerHealth: () => runner().health(),
        stats: async () => currentStats(),
        gatewayStats: async () => gateway().stats(),
      },
      (reader) => hasValidKey(reader, settings.API_KEYS, Date.now()),
    );
  const server = await createAppServer({
    root: process.cwd(),
    loadPages: settings.EXECUTOR_LANGUAGE === undefined ? () => loadPages(address) : async () => refusePage,
    executor: settings.EXECUTOR_LANGUAGE,
  });
  server.on('error', (error: NodeJS.ErrnoException) => {
    // It never was the server of this port.
    past.markCleanExit();
    fail(listenFailure(error, address));
  });
  server.listen({ ...address, backlog: 1024 }, () => void announce(settings, past));
  const stop = stopper(server, settings, past);
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop(signal));
}

/** A server that falls over and is started again, over and over, would look like one that is well. */
function tellOf({ uncleanExits }: CrashRecord): void {
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

async function announce(settings: Config, { uncleanExits }: CrashRecord): Promise<void> {
  const signal = AbortSignal.timeout(10_000);
  const [models, health] = await Promise.all([
    settings.EXECUTOR_LANGUAGE === undefined ? modelDirectory().list(signal).catch(asError) : NO_MODELS,
    runner().health().catch(asError),
  ]);
  process.stderr.write(`\n${banner(settings, settings.PORT, models, health, uncleanExits)}\n\n`);
  // The first page loads Next, and would find nobody with the time to tell it.
  await warmInitialData();
  // For the next start; does nothing where NODE_COMPILE_CACHE is not set.
  flushCompileCache();
}

const NO_MODELS = new Error('this is an executor of programs only');

/** What a signal does: the first drains the server, a second ends it at once. */
function stopper(server: Server, settings: Config, past: CrashRecord): (signal: string) => Promise<void> {
  let stopping = false;
  return async (signal) => {
    if (stopping) process.exit(1);
    stopping = true;
    past.markCleanExit();
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
