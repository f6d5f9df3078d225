import type { ServiceStatus } from '#lib/browser/service-status';
import type { ServerReadiness } from '#lib/wire/health';
import { DASHBOARD_STRINGS } from './strings.ts';

const { status: STRINGS, services } = DASHBOARD_STRINGS;

interface ServiceLine {
  name: string;
  status: ServiceStatus;
}

interface ServerState {
  /** One word for the whole server. */
  value: string;
  lines: readonly ServiceLine[];
}

interface ServerParts {
  model: ServiceStatus;
  runner: ServiceStatus;
  /** Given while some of several model servers are down. */
  modelServers?: ServiceStatus | undefined;
  /** Given while instances are lost. */
  instances?: ServiceStatus | undefined;
  /** Undefined until it is known. */
  ready: ServerReadiness | undefined;
  /** The figures are old, so nothing is known for sure. */
  isStale: boolean;
}

/**
 * The state of the server, as an operator needs it: with the details that other pages keep in a
 * fold, and with each part that is down.
 */
export function serverState({ model, runner, modelServers, instances, ready, isStale }: ServerParts): ServerState {
  const lines: ServiceLine[] = [
    { name: STRINGS.model, status: forOperators(model) },
    ...(modelServers === undefined ? [] : [{ name: STRINGS.modelServers, status: modelServers }]),
    { name: STRINGS.runner, status: forOperators(runner) },
    ...(instances === undefined ? [] : [{ name: STRINGS.instances, status: instances }]),
  ];
  if (isStale) {
    const unknown = lines.map(({ name, status }): ServiceLine => ({ name, status: { ...status, level: 'unknown' } }));
    return { value: STRINGS.unreachable, lines: unknown };
  }
  for (const part of ['executors', 'gateway'] as const) {
    const { state, detail } = ready?.parts[part] ?? {};
    const name = services.names[part];
    if (state === 'down') lines.push({ name, status: { level: 'error', sentence: detail ?? STRINGS.partDown(name) } });
  }
  const { state: database, detail: notSaved } = ready?.parts.database ?? {};
  if (database === 'unavailable')
    lines.push({ name: services.names.database, status: { level: 'warn', sentence: notSaved ?? STRINGS.notSaved } });
  const { state: mail, detail: notSent } = ready?.parts.mail ?? {};
  if (mail === 'unavailable')
    lines.push({ name: services.names.mail, status: { level: 'warn', sentence: notSent ?? STRINGS.noMail } });
  const { state: redis, detail: alone } = ready?.parts.redis ?? {};
  if (redis === 'unavailable' || redis === 'down')
    lines.push({
      name: services.names.redis,
      status: { level: redis === 'down' ? 'error' : 'warn', sentence: alone ?? STRINGS.alone },
    });
  if (ready?.stopping === true) return { value: STRINGS.stopping, lines };
  // One of several that is down takes capacity and perhaps models, although others respond.
  const isUp =
    modelServers === undefined &&
    ready?.status !== 'not_ready' &&
    lines.every(({ status }) => status.level !== 'error');
  return { value: isUp ? STRINGS.up : STRINGS.degraded, lines };
}

function forOperators(service: ServiceStatus): ServiceStatus {
  const isDetailed = service.level === 'error' && service.details !== undefined && service.details !== '';
  return isDetailed ? { ...service, sentence: service.details ?? '' } : service;
}
