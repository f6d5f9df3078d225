import { Badge } from '#components/ui/badge';
import { Notice } from '#components/ui/notice';
import { formatCount, formatMegabytes } from '#lib/browser/format';
import type { InstanceStats, ServerStats } from '#lib/wire/server-stats';
import {
  instanceDetail,
  instanceFigures,
  instancesOf,
  instancesSummary,
  instanceUptime,
  isLost,
  lostSentence,
} from './instance-facts.ts';
import { DASHBOARD_STRINGS } from './strings.ts';
import { Head } from './table-head.tsx';

const { instances: STRINGS } = DASHBOARD_STRINGS;
const { columns: COLUMNS } = STRINGS;

/** Whose figures the page shows, if those of the other instances are missing. */
export function AloneNotice({ stats }: { stats: ServerStats }) {
  if (stats.scope !== 'instance') return null;
  const own = instancesOf(stats).find(({ is_responding: isOwn }) => isOwn);
  return (
    <Notice kind="warn" className="mb-3">
      <p>
        <strong className="font-medium">{STRINGS.alone}</strong> {STRINGS.aloneDetail(own?.name)}
      </p>
    </Notice>
  );
}

/** Each server of the cluster with its state and its work. Three lines a row below 1024 px. */
export function Instances({ stats }: { stats: ServerStats }) {
  const instances = instancesOf(stats);
  if (instances.length === 0) return null;
  const sentence = lostSentence(instances);
  return (
    <section aria-label={STRINGS.title} className="mt-5">
      <div className="mb-2 flex flex-wrap items-baseline gap-x-3">
        <h2 className="font-semibold text-base">{STRINGS.title}</h2>
        <p className="text-ink-2 text-xs tabular">{instancesSummary(instances, stats.queue_length)}</p>
      </div>
      {/* There from the start: a new live region is not announced. */}
      <p role="status" className="sr-only">
        {sentence}
      </p>
      {sentence === undefined ? null : (
        <Notice kind="warn" className="mb-2">
          <p>{sentence}</p>
        </Notice>
      )}
      <table className="w-full table-fixed text-sm tabular max-lg:block">
        <thead className="max-lg:sr-only">
          <tr className="text-ink-3 text-xs">
            <Head className="text-start">{COLUMNS.instance}</Head>
            <Head className="w-26 text-start">{COLUMNS.state}</Head>
            <Head className="w-26 text-end">{COLUMNS.uptime}</Head>
            <Head className="w-24 text-end">{COLUMNS.requests}</Head>
            <Head className="w-24 text-end">{COLUMNS.running}</Head>
            <Head className="w-24 text-end">{COLUMNS.waiting}</Head>
            <Head className="w-26 text-end">{COLUMNS.memory}</Head>
          </tr>
        </thead>
        <tbody className="max-lg:block">
          {instances.map((instance) => (
            <Row key={instance.id} stats={stats} instance={instance} />
          ))}
        </tbody>
      </table>
    </section>
  );
}

const CELL = 'py-2 pe-4 max-lg:p-0';
const WIDE_CELL = 'py-2 pe-4 text-end last:pe-0 max-lg:hidden';

function Row({ stats, instance }: { stats: ServerStats; instance: InstanceStats }) {
  const isAway = isLost(instance);
  const short = instanceFigures(stats, instance);
  const figure = (value: string) => (isAway ? STRINGS.unknown : value);
  return (
    <tr className="border-t align-top max-lg:grid max-lg:grid-cols-[1fr_auto] max-lg:gap-x-3 max-lg:gap-y-1 max-lg:py-2.5">
      <th scope="row" className={`${CELL} text-start font-normal [overflow-wrap:anywhere]`}>
        <span className="block">{instance.name}</span>
        <span className="block text-ink-3 text-xs">{instanceDetail(stats, instance)}</span>
      </th>
      <td className={CELL}>
        <StateBadge state={instance.state} />
      </td>
      {short === '' ? null : <td className="col-span-2 text-ink-2 text-xs lg:hidden">{short}</td>}
      <td className={WIDE_CELL}>{figure(instanceUptime(stats, instance))}</td>
      <td className={WIDE_CELL}>{figure(formatCount(instance.requests))}</td>
      <td className={WIDE_CELL}>{figure(formatCount(instance.running))}</td>
      <td className={WIDE_CELL}>{figure(formatCount(instance.waiting))}</td>
      <td className={WIDE_CELL}>{figure(formatMegabytes(instance.rss_mb))}</td>
    </tr>
  );
}

function StateBadge({ state }: Pick<InstanceStats, 'state'>) {
  if (state === 'lost') return <Badge tone="error">{STRINGS.lost}</Badge>;
  return state === 'stopping' ? (
    <Badge tone="warn">{STRINGS.stopping}</Badge>
  ) : (
    <Badge tone="good">{STRINGS.ready}</Badge>
  );
}
