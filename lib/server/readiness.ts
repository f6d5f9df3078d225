import { cluster } from '#lib/cluster/cluster';
import type { Config } from '#lib/config/config';
import { sendsMail } from '#lib/config/mail-settings';
import { AppError } from '#lib/errors';
import { gateway } from '#lib/gateway/index';
import { modelDirectory } from '#lib/models/model-directory';
import { executorsReadiness } from '#lib/runner/executor-api';
import { runner } from '#lib/runner/index';
import { redactAddresses } from '#lib/server/redact-addresses';
import { isStopping } from '#lib/shutdown';
import { storeHealth } from '#lib/store/store';
import { log } from '#lib/telemetry/log';
import { SECOND_MS } from '#lib/units';
import type { ReadinessPart, ServerReadiness } from '#lib/wire/health';

/** A part that does not respond in time is down. */
const CHECK_TIMEOUT_MS = 5 * SECOND_MS;
/** A younger result of a backend check is reused. */
const GATEWAY_CHECK_MAX_AGE_MS = 2 * SECOND_MS;

/**
 * Checks all parts. `signal` aborts the check of the model provider. See docs/contract.md#health.
 */
export async function checkReadiness(signal: AbortSignal, settings: Config): Promise<ServerReadiness> {
  const [model, sandbox, executors, backend, mail] = await Promise.all([
    modelPart(signal),
    sandboxPart(settings),
    runner().executorsHealth().then(executorsReadiness),
    gatewayPart(),
    mailPart(settings),
  ]);
  const parts = {
    model,
    sandbox,
    executors,
    gateway: backend,
    database: databasePart(),
    redis: cluster()?.readiness() ?? NOT_CONFIGURED,
    mail,
  };
  const isReady = Object.values(parts).every(({ state }) => state !== 'down');
  // A load balancer sends nothing more to a server that is about to close its socket.
  if (isStopping()) return { status: 'not_ready', stopping: true, parts };
  return { status: isReady ? 'ready' : 'not_ready', parts };
}

const NOT_CONFIGURED: ReadinessPart = { state: 'not_configured' };

async function modelPart(signal: AbortSignal): Promise<ReadinessPart> {
  try {
    const inTime = AbortSignal.any([signal, AbortSignal.timeout(CHECK_TIMEOUT_MS)]);
    const { down, total } = await modelDirectory().check(inTime);
    lastLoggedReason = undefined;
    if (down === 0) return { state: 'up' };
    return { state: 'up', detail: `${down} of ${total} model servers ${down === 1 ? 'is' : 'are'} down.` };
  } catch (error) {
    const message = AppError.is(error) ? error.message : 'The model server is not answering.';
    if (message !== lastLoggedReason) log().warn({ part: 'model', reason: message }, 'not ready');
    lastLoggedReason = message;
    return { state: 'down', detail: redactAddresses(message) };
  }
}

/** The last logged reason. Probes come every few seconds, so only changes are logged. */
let lastLoggedReason: string | undefined;

/** Chats go on without a database, so it never makes a server unready. */
function databasePart(): ReadinessPart {
  const { state, error } = storeHealth();
  if (state === 'ok') return { state: 'up' };
  return { state: 'unavailable', ...(error === undefined ? {} : { detail: error }) };
}

/** Loaded where mail is configured. */
async function mailPart(settings: Config): Promise<ReadinessPart> {
  if (!sendsMail(settings)) return NOT_CONFIGURED;
  const { mailReadiness } = await import('#lib/people/mail/mail-readiness');
  return mailReadiness();
}

/** The gateway is up as long as one of several backends is. */
async function gatewayPart(): Promise<ReadinessPart> {
  await gateway().checkBackends(GATEWAY_CHECK_MAX_AGE_MS);
  const { state, backends } = gateway().stats();
  if (state === 'not_configured') return NOT_CONFIGURED;
  if (backends.every(({ draining }) => draining)) return { state: 'down', detail: 'All backends are draining.' };
  if (state === 'down') return { state: 'down', detail: 'The backend cannot be reached.' };
  const down = backends.filter((backend) => backend.state === 'down').length;
  return down === 0 ? { state: 'up' } : { state: 'up', detail: `${down} of ${backends.length} backends are down.` };
}

/** A sandbox is required only if the operator set `SANDBOX`: the app chats without one. */
async function sandboxPart(settings: Config): Promise<ReadinessPart> {
  const { sandbox, notices } = await runner().health();
  if (sandbox !== 'unavailable') return { state: 'up', detail: sandbox };
  return {
    state: settings.given.has('SANDBOX') ? 'down' : 'unavailable',
    ...(notices?.[0] === undefined ? {} : { detail: notices[0] }),
  };
}
