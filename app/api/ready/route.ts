import { AppError } from '#lib/errors';
import { gateway } from '#lib/gateway/index';
import { json } from '#lib/http/reply';
import { type RequestContext, route } from '#lib/http/route';
import { modelDirectory } from '#lib/models/model-directory';
import { executorsReadiness } from '#lib/runner/executor-api';
import { runner } from '#lib/runner/index';
import { redactAddresses } from '#lib/server/redact-addresses';
import { log } from '#lib/telemetry/log';
import type { ReadinessPart, ServerReadiness } from '#lib/wire/health';

/** A part that has not answered by then is down. */
const CHECK_TIMEOUT_MS = 5_000;
/** What a backend said so recently is believed. */
const GATEWAY_FRESH_MS = 2_000;

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/ready',
  {
    GET: async (request, call) => {
      const { signal } = request;
      const [model, sandbox, executors, backend] = await Promise.all([
        modelPart(signal),
        sandboxPart(call),
        runner().executorsHealth().then(executorsReadiness),
        gatewayPart(),
      ]);
      const parts = { model, sandbox, executors, gateway: backend };
      const ready = Object.values(parts).every(({ state }) => state !== 'down');
      return json(
        { status: ready ? 'ready' : 'not_ready', parts } satisfies ServerReadiness,
        ready ? 200 : 503,
        ready ? {} : { 'retry-after': '5' },
      );
    },
  },
  { quiet: true, open: true },
);

const NOT_CONFIGURED: ReadinessPart = { state: 'not_configured' };

async function modelPart(signal: AbortSignal): Promise<ReadinessPart> {
  try {
    await modelDirectory().check(AbortSignal.any([signal, AbortSignal.timeout(CHECK_TIMEOUT_MS)]));
    lastLogged = undefined;
    return { state: 'up' };
  } catch (error) {
    const message = AppError.is(error) ? error.message : 'The model provider does not answer.';
    if (message !== lastLogged) log().warn({ part: 'model', reason: message }, 'not ready');
    lastLogged = message;
    return { state: 'down', detail: redactAddresses(message) };
  }
}

/** Probes come every few seconds: what they find is logged when it changes. */
let lastLogged: string | undefined;

/** One of several backends is enough. */
async function gatewayPart(): Promise<ReadinessPart> {
  await gateway().checkBackends(GATEWAY_FRESH_MS);
  const { state, backends } = gateway().stats();
  if (state === 'not_configured') return NOT_CONFIGURED;
  if (state === 'down') return { state: 'down', detail: 'The backend cannot be reached.' };
  const down = backends.filter((backend) => backend.state === 'down').length;
  return down === 0 ? { state: 'up' } : { state: 'up', detail: `${down} of ${backends.length} backends are down.` };
}

/** A sandbox that the operator asked for must be there; without one, the app still chats. */
async function sandboxPart({ settings }: RequestContext): Promise<ReadinessPart> {
  const { sandbox, notices } = await runner().health();
  if (sandbox !== 'unavailable') return { state: 'up', detail: sandbox };
  return {
    state: settings.given.has('SANDBOX') ? 'down' : 'unavailable',
    ...(notices?.[0] === undefined ? {} : { detail: notices[0] }),
  };
}
