import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { flushCompileCache } from 'node:module';
import { setTimeout as delay } from 'node:timers/promises';
import { chatEngine } from '#lib/chat/engine-singleton';
import { openPersistence } from '#lib/chat/http/restored-requests';
import { authMode } from '#lib/config/auth-mode';
import { type Config, listenHost } from '#lib/config/config';
import { shutdownDelayMs } from '#lib/config/shutdown-delay';
import { asError } from '#lib/errors';
import { loadRevocations } from '#lib/http/ended-sessions';
import { modelDirectory } from '#lib/models/model-directory';
import { restoreChanges } from '#lib/people/admin/restore';
import { startUsage } from '#lib/people/usage/usage-service';
import { runner } from '#lib/runner/index';
import { toolchainCacheRoot } from '#lib/runner/toolchain-cache';
import { createAppServer, type PageHandler } from '#lib/server/app-server';
import { banner, serverUrl } from '#lib/server/banner';
import { type CrashRecord, recordStart } from '#lib/server/crash-counter';
import { shareStats } from '#lib/server/current-stats';
import { drain } from '#lib/server/drain';
import { provideInitialData, warmInitialData } from '#lib/server/initial-data';
import { findInitialDataReader, initialDataSource } from '#lib/server/initial-data-source';
import { listenFailure } from '#lib/server/listen-error';
import { fail, loadSettings } from '#lib/server/load-settings';
import { openDatabase } from '#lib/server/open-database';
import { shareMetrics } from '#lib/server/scrape-metrics';
import { statsHistory } from '#lib/server/stats-history';
import { stopOnRequest } from '#lib/server/stop-on-request';
import { beginStopping, shutDown } from '#lib/shutdown';
import { storeIfOpen } from '#lib/store/store';
import { flushLog, log } from '#lib/telemetry/log';
import { metrics } from '#lib/telemetry/metrics';
import { workerProcess } from '#lib/worker-process';

/** The database is opened after the first responses, which do not wait for it. */
const OPEN_DELAY_MS = 250;

/** Loads the page handler of a server at this address. */
export type LoadPages = (address: { host: string; port: number }) => Promise<PageHandler>;

/**
 * Starts the server: reads the settings, listens, prints the banner on standard error, and shuts
 * down on SIGTERM and SIGINT. As one of several workers it does what their supervisor orders.
 */
export async function startServer(loadPages: LoadPages): Promise<void> {
  const settings = loadSettings();
  const address = { host: listenHost(settings), port: settings.PORT };
  const crashes = recordStart(toolchainCacheRoot(), settings.PORT, Date.now(), workerProcess()?.number);
  reportCrashes(crashes);

  // An unhandled rejection is a bug, but no reason to drop all responses in progress.
  process.on('unhandledRejection', (error) => log().error({ err: error }, 'unhandled rejection'));
  process.on('uncaughtException', (error) => {
    log().fatal({ err: error }, 'uncaught exception');
    flushLog();
    process.exit(1);
  });

  // Before anything makes its state: with Redis, that is shared.
  if (settings.REDIS_URL !== undefined && settings.EXECUTOR_LANGUAGE === undefined) await join(settings);
  // In force as soon as anything opens the database, be it the first request.
  if (settings.EXECUTOR_LANGUAGE === undefined) restoreChanges();
  // What an executor runs is recorded by the server that its user calls.
  if (settings.EXECUTOR_LANGUAGE === undefined) startUsage((model) => modelDirectory().isKnown(model));
  if (settings.EXECUTOR_LANGUAGE === undefined)
    provideInitialData(initialDataSource(settings), (headers) => findInitialDataReader(headers, settings));
  if (authMode(settings) === 'accounts') (await import('#lib/people/accounts/start')).registerAccounts();
  const server = await createAppServer({
    root: process.cwd(),
    loadPages: settings.EXECUTOR_LANGUAGE === undefined ? () => loadPages(address) : async () => refusePage,
    executor: settings.EXECUTOR_LANGUAGE,
  });
  server.on('error', (error: NodeJS.ErrnoException) => {
    // The port belongs to another server, so this is no crash.
    crashes.markCleanExit();
    fail(listenFailure(error, address));
  });
  // For the first requests, no session that was signed out may be valid again, and what
  // administrators changed, such as who may join, is in force.
  const hasPeople = settings.API_KEYS.length > 0 || authMode(settings) === 'accounts';
  if (hasPeople && settings.EXECUTOR_LANGUAGE === undefined) await loadRevocations();
  server.listen({ ...address, backlog: 1024 }, () => void announce(settings, crashes));
  stopOnRequest(createStopper(server, settings, crashes));
  shareMetrics();
}

/** Makes a crash loop visible, which would otherwise look like a healthy server. */
function reportCrashes({ uncleanExits }: CrashRecord): void {
  metrics().uncleanExits.set(uncleanExits);
  if (uncleanExits === 0) return;
  log().error({ unclean_exits: uncleanExits }, 'servers on this port ended without being shut down in the last hour');
  // This server may crash before the next flush.
  flushLog();
}

/** Loads what several servers share, which no other server does. */
async function join(settings: Config): Promise<void> {
  const { joinCluster } = await import('#lib/server/join-cluster');
  const problem = await joinCluster(settings);
  if (problem !== undefined) fail(problem);
}

async function refusePage(_incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const error = 'Not found: this is an executor, with /health, /info, /execute and /validate.';
  outgoing.writeHead(404, { 'content-type': 'application/json; charset=utf-8' });
  outgoing.end(JSON.stringify({ error, code: 'not_found' }));
}

async function announce(settings: Config, { uncleanExits }: CrashRecord): Promise<void> {
  const self = workerProcess();
  const writesBanner = self === undefined || self.writesBanner;
  const isOpened = settings.EXECUTOR_LANGUAGE === undefined ? openSoon(settings) : undefined;
  shareStats();
  const signal = AbortSignal.timeout(10_000);
  const [models, health] = await Promise.all([
    settings.EXECUTOR_LANGUAGE === undefined ? modelDirectory().list(signal).catch(asError) : NO_MODELS,
    runner().health().catch(asError),
  ]);
  // With the servers of its models known, it works on what others have accepted, too.
  if (settings.REDIS_URL !== undefined && settings.EXECUTOR_LANGUAGE === undefined) chatEngine();
  if (writesBanner) process.stderr.write(`\n${banner(settings, settings.PORT, models, health, uncleanExits)}\n\n`);
  await isOpened;
  if (writesBanner && authMode(settings) === 'accounts') {
    const { setUpLine } = await import('#lib/people/accounts/start');
    const line = await setUpLine(serverUrl(settings, settings.PORT));
    if (line !== undefined) process.stderr.write(`${line}\n\n`);
  }
  if (writesBanner) self?.send('life', 'announced');
  // The first page loads Next, which blocks the event loop for longer than a page waits for data.
  await warmInitialData();
  if (settings.EXECUTOR_LANGUAGE === undefined) statsHistory();
  // For the next start. Without NODE_COMPILE_CACHE it does nothing.
  flushCompileCache();
  // Loading leaves a third of the heap as garbage, which V8 keeps until the first load. Undefined
  // without --expose-gc.
  globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}

/** Opens the database, if it is used from the start, after the first responses. */
async function openSoon(settings: Config): Promise<void> {
  await delay(OPEN_DELAY_MS, undefined, { ref: false });
  openPersistence();
  await openDatabase(settings);
  const opened = settings.REDIS_URL === undefined ? undefined : storeIfOpen();
  if (opened === undefined) return;
  const { warnOfLeftRequests } = await import('#lib/chat/persistence/left-requests');
  await warnOfLeftRequests(opened).catch((error: unknown) =>
    log().warn({ err: asError(error) }, 'saved requests could not be read'),
  );
}

const NO_MODELS = new Error('this is an executor of programs only');

/**
 * The first signal stops the server in two phases, a second one exits at once. In the first phase,
 * SHUTDOWN_DELAY_MS, it is not ready but serves every request, so that a load balancer stops
 * sending to it before connections are refused. In the second one, SHUTDOWN_TIMEOUT_MS, it listens
 * no more, and what is open goes on.
 */
function createStopper(server: Server, settings: Config, crashes: CrashRecord): (signal: string) => Promise<void> {
  let stopping = false;
  return async (signal) => {
    if (stopping) process.exit(1);
    stopping = true;
    crashes.markCleanExit();
    const { SHUTDOWN_TIMEOUT_MS: deadlineMs } = settings;
    const delayMs = shutdownDelayMs(settings);
    log().info({ signal, listens_for_ms: delayMs, open_for_at_most_ms: delayMs + deadlineMs }, 'stopping');
    beginStopping();
    if (delayMs > 0) await delay(delayMs);
    let closed: Promise<unknown> | undefined;
    const close = () => {
      closed ??= shutDown();
      return closed;
    };
    const isBusy = () => settings.EXECUTOR_LANGUAGE === undefined && chatEngine().hasUnsavedWork;
    await drain(server, deadlineMs, { notify: close, isBusy });
    await close();
    flushLog();
    process.exit(0);
  };
}
