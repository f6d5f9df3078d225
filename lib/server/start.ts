import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { authMode } from '#lib/config/auth-mode';
import { type Config, listenHost } from '#lib/config/config';
import { shutdownDelayMs } from '#lib/config/shutdown-delay';
import { loadRevocations } from '#lib/http/ended-sessions';
import { isKnownModel } from '#lib/models/known-models';
import { startUsage } from '#lib/people/usage/usage-service';
import { toolchainCacheRoot } from '#lib/runner/toolchain-cache';
import { createAppServer, type PageHandler } from '#lib/server/app-server';
import { type CrashRecord, recordStart } from '#lib/server/crash-counter';
import { drain } from '#lib/server/drain';
import { provideInitialData } from '#lib/server/initial-data';
import { listenFailure } from '#lib/server/listen-error';
import { fail, loadSettings } from '#lib/server/load-settings';
import { stopOnRequest } from '#lib/server/stop-on-request';
import { beginStopping, hasOpenWork, shutDown } from '#lib/shutdown';
import { whenStoreOpens } from '#lib/store/store';
import { flushLog, log } from '#lib/telemetry/log';
import { metrics } from '#lib/telemetry/metrics';
import { workerProcess } from '#lib/worker-process';

/** Loading blocks the event loop for longer: the requests that waited for the port come first. */
const FIRST_RESPONSES_MS = 50;

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

  const isApp = settings.EXECUTOR_LANGUAGE === undefined;
  const hasPeople = settings.API_KEYS.length > 0 || authMode(settings) === 'accounts';
  // What an executor runs is recorded by the server that its user calls.
  if (isApp) {
    // Before anything makes its state: with Redis, that is shared.
    if (settings.REDIS_URL !== undefined) await join(settings);
    await restoreWhenOpen(hasPeople);
    startUsage(isKnownModel);
    provideInitialData(async () => (await import('#lib/server/initial-data-source')).initialData(settings));
  }
  if (authMode(settings) === 'accounts') (await import('#lib/people/accounts/start')).registerAccounts();
  const root = process.cwd();
  const server = await createAppServer({
    root,
    loadPages: isApp ? () => loadPages(address) : async () => refusePage,
    executor: settings.EXECUTOR_LANGUAGE,
  });
  server.on('error', (error: NodeJS.ErrnoException) => {
    // The port belongs to another server, so this is no crash.
    crashes.markCleanExit();
    fail(listenFailure(error, address));
  });
  // For the first requests, no session that was signed out may be valid again, and what
  // administrators changed, such as who may join, is in force.
  if (hasPeople && isApp) await loadRevocations();
  // Loading blocks the event loop. Its commands would time out meanwhile, and it would accept
  // requests as if Redis were away.
  if (isApp && settings.REDIS_URL !== undefined) await (await import('#lib/server/preload')).preload(root);
  // Who reads that a worker has figures takes it for one that listens.
  if (workerProcess() !== undefined) (await import('#lib/server/scrape-metrics')).shareMetrics();
  server.listen({ ...address, backlog: 1024 }, async () => {
    await delay(FIRST_RESPONSES_MS, undefined, { ref: false });
    const { announce } = await import('#lib/server/announce');
    await announce(root, settings, crashes.uncleanExits);
  });
  stopOnRequest(createStopper(server, settings, crashes));
}

/**
 * What administrators have changed is in force as soon as anything opens the database, be it the
 * first request. Without people, the database is opened after the first responses.
 */
async function restoreWhenOpen(hasPeople: boolean): Promise<void> {
  const restore = async () => (await import('#lib/people/admin/restore')).restoreChanges();
  if (hasPeople) await restore();
  else whenStoreOpens(restore);
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
    await drain(server, deadlineMs, { notify: close, isBusy: hasOpenWork });
    await close();
    flushLog();
    process.exit(0);
  };
}
