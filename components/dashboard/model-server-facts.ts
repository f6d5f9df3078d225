import { formatCount, formatDuration } from '#lib/browser/format';
import { isModelServer } from '#lib/browser/response-guards';
import type { ServiceStatus } from '#lib/browser/service-status';
import type { ModelServerStats, ServerStats } from '#lib/wire/server-stats';
import { DASHBOARD_STRINGS } from './strings.ts';

const { modelServers: STRINGS } = DASHBOARD_STRINGS;

/** The model servers of the statistics. None from a server of an earlier version. */
export function modelServersOf({ model_servers: listed }: ServerStats): readonly ModelServerStats[] {
  return Array.isArray(listed) ? listed.filter(isModelServer) : [];
}

export const isDown = ({ state }: Pick<ModelServerStats, 'state'>) => state === 'down';

/** Whether a new request has to wait on this server. */
export function isBusy({ state, running, slots }: ModelServerStats): boolean {
  return state === 'up' && slots > 0 && running >= slots;
}

interface Slots {
  running: number;
  slots: number;
}

/** The slots of all servers that are up. Undefined for fewer than `least`. */
export function slotsOf(servers: readonly ModelServerStats[], least = 2): Slots | undefined {
  if (servers.length < least) return undefined;
  const up = servers.filter((server) => !isDown(server));
  const sum = (field: keyof Slots) => up.reduce((total, server) => total + server[field], 0);
  return { running: sum('running'), slots: sum('slots') };
}

/** `2 of 3 up · 5 of 12 running · 3 waiting` */
export function summary(servers: readonly ModelServerStats[]): string {
  const { running = 0, slots = 0 } = slotsOf(servers) ?? {};
  const waiting = servers.reduce((total, server) => total + server.waiting, 0);
  return [
    STRINGS.upCount(servers.filter((server) => !isDown(server)).length, servers.length),
    STRINGS.runningOf(formatCount(running), formatCount(slots)),
    STRINGS.waiting(formatCount(waiting)),
  ].join(' · ');
}

/**
 * `Ollama · http://gpu-a:11434`, without an address that the name repeats. The built-in model has
 * none.
 */
export function kindAndAddress({ name, provider, address }: ModelServerStats): string {
  const kind = STRINGS.kinds[provider] ?? provider;
  const isRepeated = provider === 'embedded' || address.replace(/^https?:\/\//, '').replace(/\/$/, '') === name;
  return isRepeated ? kind : `${kind} · ${address}`;
}

/** `2 of 14 loaded`. Hosted APIs load nothing: `84 models`. */
export function loadedCount({ provider, loaded, models }: ModelServerStats): string {
  if (provider === 'openai') return STRINGS.models(formatCount(models ?? loaded.length), models ?? loaded.length);
  const count = formatCount(loaded.length);
  if (models !== null && models !== undefined) return STRINGS.loadedOf(count, formatCount(models));
  // Without a list it is not known that none is loaded.
  return loaded.length === 0 ? STRINGS.unknown : STRINGS.loaded(count);
}

export function averageTime({ average_ms: average }: ModelServerStats): string {
  return average === null || average === undefined ? STRINGS.unknown : formatDuration(average);
}

export function tokenRate({ tokens_per_second: rate }: ModelServerStats): string {
  return rate === null || rate === undefined ? STRINGS.unknown : formatCount(rate);
}

/** The figures of one server in a line, for narrow windows. */
export function figures(server: ModelServerStats): string {
  if (isDown(server)) return server.waiting === 0 ? '' : STRINGS.waiting(formatCount(server.waiting));
  return [
    STRINGS.runningOf(formatCount(server.running), formatCount(server.slots)),
    STRINGS.waiting(formatCount(server.waiting)),
    ...timings(server),
  ].join(' · ');
}

/** What was measured of a server; empty before its first response. */
export function timings(server: ModelServerStats): string[] {
  return [
    ...(server.average_ms == null ? [] : [STRINGS.average(averageTime(server))]),
    ...(server.tokens_per_second == null ? [] : [STRINGS.rate(tokenRate(server))]),
  ];
}

/** What a person needs to know while servers are down. Undefined while all are up. */
export function downSentence(servers: readonly ModelServerStats[]): string | undefined {
  const down = servers.filter(isDown);
  const [first] = down;
  if (first === undefined) return undefined;
  if (down.length === servers.length) return STRINGS.allDown;
  return down.length === 1 ? STRINGS.oneDown(first.name) : STRINGS.someDown(down.length, servers.length);
}

/** The sentence of the server itself, which names what its operator can do. */
export function whatToDo({ provider, error, address }: ModelServerStats): string {
  if (error !== null && error !== undefined && error !== '') return error;
  return provider === 'embedded' ? STRINGS.noResponse : STRINGS.check(address);
}

/** One line of the page's status while some of several servers are down. */
export function serversStatus(servers: readonly ModelServerStats[]): ServiceStatus | undefined {
  const down = servers.filter(isDown);
  if (servers.length < 2 || down.length === 0) return undefined;
  const names = down.map(({ name }) => name).join(', ');
  const level = down.length === servers.length ? 'error' : 'warn';
  return { level, sentence: STRINGS.downCount(down.length, servers.length, names) };
}
