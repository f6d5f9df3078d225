import { flushCompileCache } from 'node:module';
import { setTimeout as delay } from 'node:timers/promises';
import { authMode } from '#lib/config/auth-mode';
import type { Config } from '#lib/config/config';
import { sendsMail } from '#lib/config/mail-settings';
import { asError } from '#lib/errors';
import { banner, serverUrl } from '#lib/server/banner';
import { warmInitialData } from '#lib/server/initial-data';
import { openDatabase } from '#lib/server/open-database';
import { preload } from '#lib/server/preload';
import { warnOfSettings } from '#lib/server/setting-warnings';
import { storeIfOpen, whenStoreOpens } from '#lib/store/store';
import { log } from '#lib/telemetry/log';
import { workerProcess } from '#lib/worker-process';

/** The database is opened after the first responses, which do not wait for it. */
const OPEN_DELAY_MS = 250;
const MODELS_TIMEOUT_MS = 10_000;
const NO_MODELS = new Error('this is an executor of programs only');

/**
 * What a server does once it listens: loads what most requests need, prints the banner, opens the
 * database, and starts what runs in the background. `root` is the project's folder.
 */
export async function announce(root: string, settings: Config, uncleanExits: number): Promise<void> {
  warnOfSettings();
  const self = workerProcess();
  const isApp = settings.EXECUTOR_LANGUAGE === undefined;
  const writesBanner = self === undefined || self.writesBanner;
  const isOpened = isApp ? openSoon(settings) : undefined;
  if (isApp) await preload(root);
  if (settings.REDIS_URL !== undefined) (await import('#lib/server/current-stats')).shareStats();
  const [models, health] = await Promise.all([isApp ? listModels() : NO_MODELS, runnerHealth()]);
  // With the servers of its models known, it works on what others have accepted, too.
  if (settings.REDIS_URL !== undefined && isApp) (await import('#lib/chat/engine-singleton')).chatEngine();
  if (writesBanner) process.stderr.write(`\n${banner(settings, settings.PORT, models, health, uncleanExits)}\n\n`);
  await isOpened;
  if (writesBanner && authMode(settings) === 'accounts') {
    const { setUpLine } = await import('#lib/people/accounts/start');
    const line = await setUpLine(serverUrl(settings, settings.PORT));
    if (line !== undefined) process.stderr.write(`${line}\n\n`);
  }
  if (writesBanner && sendsMail(settings)) {
    const { checkMailAtStart } = await import('#lib/people/mail/mail-readiness');
    void checkMailAtStart();
  }
  if (writesBanner) self?.send('life', 'announced');
  // The first page loads Next, which blocks the event loop for longer than a page waits for data.
  await warmInitialData();
  if (isApp) (await import('#lib/server/stats-history')).statsHistory();
  // For the next start. Without NODE_COMPILE_CACHE it does nothing.
  flushCompileCache();
  // Loading leaves a third of the heap as garbage, which V8 keeps until the first load. Undefined
  // without --expose-gc.
  globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}

async function listModels() {
  const { modelDirectory } = await import('#lib/models/model-directory');
  return await modelDirectory().list(AbortSignal.timeout(MODELS_TIMEOUT_MS)).catch(asError);
}

async function runnerHealth() {
  const { runner } = await import('#lib/runner/index');
  return await runner().health().catch(asError);
}

/** Opens the database, if it is used from the start, after the first responses. */
async function openSoon(settings: Config): Promise<void> {
  await delay(OPEN_DELAY_MS, undefined, { ref: false });
  whenStoreOpens(async () => {
    const { useDatabase } = await import('#lib/chat/http/restored-requests');
    await useDatabase();
  });
  await openDatabase(settings);
  const opened = settings.REDIS_URL === undefined ? undefined : storeIfOpen();
  if (opened === undefined) return;
  const { warnOfLeftRequests } = await import('#lib/chat/persistence/left-requests');
  await warnOfLeftRequests(opened).catch((error: unknown) =>
    log().warn({ err: asError(error) }, 'saved requests could not be read'),
  );
}
