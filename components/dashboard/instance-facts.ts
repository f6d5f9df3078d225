import { formatCount, formatDuration, formatMegabytes } from '#lib/browser/format';
import { isInstance } from '#lib/browser/response-guards';
import type { ServiceStatus } from '#lib/browser/service-status';
import type { InstanceStats, ServerStats } from '#lib/wire/server-stats';
import { DASHBOARD_STRINGS } from './strings.ts';

const { instances: STRINGS } = DASHBOARD_STRINGS;

/** The instances of the statistics. None from a server without Redis, or of an earlier version. */
export function instancesOf({ instances: listed }: ServerStats): readonly InstanceStats[] {
  return Array.isArray(listed) ? listed.filter(isInstance) : [];
}

export const isLost = ({ state }: Pick<InstanceStats, 'state'>) => state === 'lost';

/** Milliseconds between a moment and the statistics, by the clocks of the servers. */
function agoMs(stats: Pick<ServerStats, 'timestamp'>, moment: string): number {
  const ms = Date.parse(stats.timestamp) - Date.parse(moment);
  return Number.isFinite(ms) ? Math.max(0, ms) : 0;
}

/** `3 instances · 4 running · 2 waiting`, of those that are there; what waits is in one line. */
export function instancesSummary(instances: readonly InstanceStats[], waiting: number): string {
  const alive = instances.filter((one) => !isLost(one));
  return [
    STRINGS.count(alive.length),
    STRINGS.running(formatCount(alive.reduce((total, { running }) => total + running, 0))),
    STRINGS.waiting(formatCount(waiting)),
  ].join(' · ');
}

export function instanceUptime(stats: ServerStats, { started_at: start }: InstanceStats): string {
  return formatDuration(agoMs(stats, start));
}

/** Its version, whether it has sent the figures, or when it was last heard of. */
export function instanceDetail(stats: ServerStats, instance: InstanceStats): string {
  const facts = [STRINGS.version(instance.version)];
  if (instance.is_responding) facts.push(STRINGS.responding);
  if (isLost(instance)) facts.push(STRINGS.lastSeen(formatDuration(agoMs(stats, instance.seen_at))));
  return facts.join(' · ');
}

/** The figures of one instance in a line, for narrow windows. */
export function instanceFigures(stats: ServerStats, instance: InstanceStats): string {
  if (isLost(instance)) return '';
  return [
    STRINGS.upFor(instanceUptime(stats, instance)),
    STRINGS.requests(formatCount(instance.requests), instance.requests),
    STRINGS.running(formatCount(instance.running)),
    STRINGS.waiting(formatCount(instance.waiting)),
    formatMegabytes(instance.rss_mb),
  ].join(' · ');
}

/** What a person needs to know of instances that are lost. Undefined without any. */
export function lostSentence(instances: readonly InstanceStats[]): string | undefined {
  const lost = instances.filter(isLost);
  const [first] = lost;
  if (first === undefined) return undefined;
  return lost.length === 1 ? STRINGS.oneLost(first.name) : STRINGS.someLost(lost.map(({ name }) => name).join(', '));
}

/** One line of the page's status while instances are lost. */
export function instancesStatus(instances: readonly InstanceStats[]): ServiceStatus | undefined {
  const lost = instances.filter(isLost);
  if (lost.length === 0) return undefined;
  const names = lost.map(({ name }) => name).join(', ');
  return { level: 'warn', sentence: STRINGS.lostCount(lost.length, names) };
}
