import { Badge } from '#components/ui/badge';
import { Notice } from '#components/ui/notice';
import { StatusDot } from '#components/ui/status-dot';
import { TextWithCode } from '#components/ui/text-with-code';
import { formatCount } from '#lib/browser/format';
import type { ModelServerStats } from '#lib/wire/server-stats';
import {
  averageTime,
  downSentence,
  figures,
  isBusy,
  isDown,
  kindAndAddress,
  loadedCount,
  summary,
  timings,
  tokenRate,
  whatToDo,
} from './model-server-facts.ts';
import { DASHBOARD_STRINGS } from './strings.ts';
import { Head } from './table-head.tsx';

const { modelServers: STRINGS } = DASHBOARD_STRINGS;
const { columns: COLUMNS } = STRINGS;
/** A hosted API has hundreds: the others are folded. */
const FIRST_MODELS = 3;

interface ModelServersProps {
  /** Two or more. */
  servers: readonly ModelServerStats[];
}

/** Each model server with its state, its work and its models. Three lines a row below 1024 px. */
export function ModelServers({ servers }: ModelServersProps) {
  const sentence = downSentence(servers);
  const down = servers.filter(isDown);
  const isAllDown = down.length === servers.length;
  return (
    <section aria-label={STRINGS.title} className="mt-5">
      <div className="mb-2 flex flex-wrap items-baseline gap-x-3">
        <h2 className="font-semibold text-base">{STRINGS.title}</h2>
        <p className="text-ink-2 text-xs tabular">{summary(servers)}</p>
      </div>
      {/* There from the start: a new live region is not announced. An error is an alert itself. */}
      <p role="status" className="sr-only">
        {isAllDown ? '' : sentence}
      </p>
      {sentence === undefined ? null : (
        <Notice kind={isAllDown ? 'error' : 'warn'} className="mb-2">
          <p>{sentence}</p>
          <ul className="mt-1 text-ink-2 text-xs">
            {down.map((server) => (
              <li key={server.id}>
                <TextWithCode text={STRINGS.named(server.name, whatToDo(server))} />
              </li>
            ))}
          </ul>
        </Notice>
      )}
      <table className="w-full table-fixed text-sm tabular max-lg:block">
        <thead className="max-lg:sr-only">
          <tr className="text-ink-3 text-xs">
            <Head className="text-start">{COLUMNS.server}</Head>
            <Head className="w-20 text-start">{COLUMNS.state}</Head>
            <Head className="w-20 text-end">{COLUMNS.running}</Head>
            <Head className="w-20 text-end">{COLUMNS.waiting}</Head>
            <Head className="w-26 text-end">{COLUMNS.average}</Head>
            <Head className="w-22 text-end">{COLUMNS.rate}</Head>
            <Head className="text-start lg:ps-4">{COLUMNS.models}</Head>
          </tr>
        </thead>
        <tbody className="max-lg:block">
          {servers.map((server) => (
            <Row key={server.id} server={server} />
          ))}
        </tbody>
      </table>
    </section>
  );
}

const CELL = 'py-2 pe-4 max-lg:p-0';
const WIDE_CELL = 'py-2 pe-4 text-end max-lg:hidden';

function Row({ server }: { server: ModelServerStats }) {
  const isAway = isDown(server);
  const short = figures(server);
  return (
    <tr className="border-t align-top max-lg:grid max-lg:grid-cols-[1fr_auto] max-lg:gap-x-3 max-lg:gap-y-1 max-lg:py-2.5">
      <th scope="row" className={`${CELL} text-start font-normal [overflow-wrap:anywhere]`}>
        <span className="block">{server.name}</span>
        <span className="block text-ink-3 text-xs">{kindAndAddress(server)}</span>
      </th>
      <td className={CELL}>
        <StateBadge server={server} />
      </td>
      <td className={WIDE_CELL}>
        {isAway ? STRINGS.unknown : `${formatCount(server.running)}/${formatCount(server.slots)}`}
      </td>
      <td className={WIDE_CELL}>{formatCount(server.waiting)}</td>
      <td className={WIDE_CELL}>{isAway ? STRINGS.unknown : averageTime(server)}</td>
      <td className={WIDE_CELL}>{isAway ? STRINGS.unknown : tokenRate(server)}</td>
      <td className="py-2 [overflow-wrap:anywhere] max-lg:col-span-2 max-lg:p-0 lg:ps-4">
        {short === '' ? null : <span className="block text-ink-2 text-xs lg:hidden">{short}</span>}
        {isAway ? <span className="max-lg:hidden">{STRINGS.unknown}</span> : <Models server={server} />}
      </td>
    </tr>
  );
}

function StateBadge({ server }: { server: ModelServerStats }) {
  if (isDown(server)) return <Badge tone="error">{STRINGS.down}</Badge>;
  return isBusy(server) ? <Badge tone="accent">{STRINGS.busy}</Badge> : <Badge tone="good">{STRINGS.up}</Badge>;
}

/** The first loaded models by name, how many there are, and the others in a fold. */
function Models({ server }: { server: ModelServerStats }) {
  const { name, loaded } = server;
  const others = loaded.slice(FIRST_MODELS);
  const more = formatCount(others.length);
  return (
    <>
      {loaded.length === 0 ? null : <span className="block">{loaded.slice(0, FIRST_MODELS).join(', ')}</span>}
      <span className="block text-ink-3 text-xs">{loadedCount(server)}</span>
      {others.length === 0 ? null : (
        <details className="text-ink-2 text-xs">
          <summary
            aria-label={STRINGS.moreNamed(more, name)}
            className="flex min-h-6 w-fit cursor-pointer items-center rounded-sm underline decoration-dotted underline-offset-3 hover:text-ink pointer-coarse:min-h-10"
          >
            {STRINGS.more(more)}
          </summary>
          <ul className="mt-1">
            {others.map((model) => (
              <li key={model}>{model}</li>
            ))}
          </ul>
        </details>
      )}
    </>
  );
}

/** The only model server in one line: its queue and its models are shown elsewhere on the page. */
export function OneModelServer({ server }: { server: ModelServerStats }) {
  const isAway = isDown(server);
  const facts = isAway ? [whatToDo(server)] : timings(server);
  return (
    <section aria-label={STRINGS.one} className="min-w-0">
      <h3 className="mb-1 font-medium text-sm">{STRINGS.one}</h3>
      <p className="flex gap-2 border-t py-2 text-ink-2 text-sm tabular">
        <StatusDot level={isAway ? 'error' : 'good'} className="mt-1.5" />
        <span className="min-w-0 [overflow-wrap:anywhere]">
          <span className="sr-only">{isAway ? STRINGS.down : STRINGS.up}: </span>
          <span className="text-ink">{server.name}</span> ·{' '}
          <TextWithCode text={[kindAndAddress(server), ...facts].join(' · ')} />
        </span>
      </p>
    </section>
  );
}
