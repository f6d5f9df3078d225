'use client';

import clsx from 'clsx';
import { type ReactNode, useState } from 'react';
import { Badge } from '#components/ui/badge';
import { Button } from '#components/ui/button';
import { Confirm } from '#components/ui/dialog';
import { failureSentence } from '#components/ui/stats-notice';
import { formatCount, formatDuration, formatSeconds } from '#lib/browser/format';
import { showToast } from '#lib/browser/toasts';
import type { QueueOverview } from '#lib/wire/chat-queue';
import type { ModelServerStats } from '#lib/wire/server-stats';
import { slotsOf } from './model-server-facts.ts';
import { DASHBOARD_STRINGS } from './strings.ts';
import { cancelRequest } from './use-ops-status.ts';

const { queue: STRINGS } = DASHBOARD_STRINGS;
const { columns: COLUMNS } = STRINGS;
/** More rows would push the charts far down; one press shows them. */
const FIRST_ROWS = 8;

interface QueueTableProps {
  queue: QueueOverview | undefined;
  servers: readonly ModelServerStats[];
  error: Error | undefined;
  /** A request was cancelled, or could not be. */
  onDone: () => void;
}

/** A running or waiting request. */
interface QueueRow {
  key: string;
  /** Undefined for one that the person may not cancel. */
  id: string | undefined;
  /** Whose request it is, for administrators and managers. */
  caller: string | undefined;
  model: string;
  /** The model server that it runs on or waits for, if there is a choice of servers. */
  server: string | undefined;
  /** From 1; undefined while it runs. */
  position: number | undefined;
  priority: number | undefined;
  ageMs: number;
  tokens: number | undefined;
}

/** Running and waiting requests in order. Each can be cancelled. Two lines a row on phones. */
export function QueueTable({ queue, servers, error, onDone }: QueueTableProps) {
  const [chosen, setChosen] = useState<QueueRow>();
  const [open, setOpen] = useState(false);
  const [isWhole, setWhole] = useState(false);
  const all = queue === undefined ? [] : queueRows(queue, servers.length > 1);
  const shown = isWhole ? all : all.slice(0, FIRST_ROWS);
  const current = all.find(({ key }) => key === chosen?.key) ?? chosen;
  const cancel = async (id: string) => {
    try {
      await cancelRequest(id);
      showToast({ text: STRINGS.cancelled(shortened(id)) });
    } catch (error) {
      showToast({ kind: 'error', text: failureSentence(error) });
    }
    onDone();
  };
  return (
    <section aria-label={STRINGS.title} className="mt-5 min-h-24">
      <div className="mb-2 flex flex-wrap items-baseline gap-x-3">
        <h2 className="font-semibold text-base">{STRINGS.title}</h2>
        <p className="text-ink-2 text-xs tabular">
          {queue === undefined
            ? error === undefined
              ? STRINGS.loading
              : failureSentence(error)
            : note(queue, servers)}
        </p>
      </div>
      {queue === undefined ? null : all.length === 0 ? (
        <p className="border-t py-3 text-ink-3 text-sm">{STRINGS.empty}</p>
      ) : (
        <table className="w-full table-fixed text-sm tabular max-sm:block">
          <thead className="max-sm:sr-only">
            <tr className="text-ink-3 text-xs">
              <Head className="w-28 text-start">{COLUMNS.request}</Head>
              <Head className="w-24 text-start">{COLUMNS.state}</Head>
              <Head className="text-start">{COLUMNS.model}</Head>
              <Head className="w-28 text-end">{COLUMNS.age}</Head>
              <Head className="w-20 text-end">{COLUMNS.tokens}</Head>
              <Head className="w-20 text-end">{COLUMNS.priority}</Head>
              <Head className="w-20 text-end">
                <span className="sr-only">{COLUMNS.actions}</span>
              </Head>
            </tr>
          </thead>
          <tbody className="max-sm:block">
            {shown.map((row) => (
              <Row
                key={row.key}
                row={row}
                onCancel={() => {
                  setChosen(row);
                  setOpen(true);
                }}
              />
            ))}
          </tbody>
        </table>
      )}
      {all.length > shown.length ? (
        <Button kind="quiet" size="sm" className="mt-1" onClick={() => setWhole(true)}>
          {STRINGS.more(formatCount(all.length - shown.length))}
        </Button>
      ) : null}
      <Confirm
        open={open}
        onOpenChange={setOpen}
        title={STRINGS.confirm.title}
        description={current === undefined ? '' : describe(current)}
        action={STRINGS.confirm.action}
        cancel={STRINGS.confirm.keep}
        danger
        onConfirm={() => {
          if (current?.id !== undefined) void cancel(current.id);
        }}
      />
    </section>
  );
}

function Head({ className, children }: { className: string; children: ReactNode }) {
  return (
    <th scope="col" className={clsx('py-1.5 pe-4 font-normal last:pe-0', className)}>
      {children}
    </th>
  );
}

const CELL = 'py-1.5 pe-4 max-sm:p-0';
const WIDE_CELL = 'py-1.5 pe-4 text-end max-sm:hidden';

function Row({ row, onCancel }: { row: QueueRow; onCancel: () => void }) {
  const { id, caller, model, server, position, priority, ageMs, tokens } = row;
  const age = ageMs < 1000 ? STRINGS.justNow : formatSeconds(ageMs);
  const place =
    server === undefined ? undefined : position === undefined ? STRINGS.runsOn(server) : STRINGS.waitsFor(server);
  const details = [
    place === undefined ? model : `${model} ${place}`,
    age,
    ...(tokens === undefined ? [] : [STRINGS.tokens(formatCount(tokens))]),
    ...(priority === undefined ? [] : [STRINGS.priority(priority)]),
  ];
  return (
    <tr className="border-t max-sm:grid max-sm:grid-cols-[auto_1fr_auto] max-sm:items-center max-sm:gap-x-3 max-sm:gap-y-0.5 max-sm:py-2">
      <th scope="row" className={`${CELL} text-start font-normal text-ink-2`}>
        {name(id)}
        {caller === undefined ? null : <span className="block truncate text-ink-3 text-xs">{caller}</span>}
      </th>
      <td className={CELL}>
        {position === undefined ? (
          <Badge tone="accent">{STRINGS.running}</Badge>
        ) : (
          <Badge>{STRINGS.position(formatCount(position))}</Badge>
        )}
      </td>
      <td
        className={`${CELL} [overflow-wrap:anywhere] max-sm:col-span-2 max-sm:row-start-2 max-sm:text-ink-2 max-sm:text-xs`}
      >
        <span className="max-sm:hidden">
          {model}
          {place === undefined ? null : <span className="text-ink-3"> {place}</span>}
        </span>
        <span className="sm:hidden">{details.join(' · ')}</span>
      </td>
      <td className={WIDE_CELL}>{age}</td>
      <td className={WIDE_CELL}>{tokens === undefined ? '–' : formatCount(tokens)}</td>
      <td className={WIDE_CELL}>{priority ?? '–'}</td>
      <td className="py-1.5 text-end max-sm:col-start-3 max-sm:row-span-2 max-sm:row-start-1 max-sm:p-0">
        {id === undefined ? null : (
          <Button size="sm" aria-label={STRINGS.cancelNamed(shortened(id))} onClick={onCancel}>
            {STRINGS.cancel}
          </Button>
        )}
      </td>
    </tr>
  );
}

function note(queue: QueueOverview, servers: readonly ModelServerStats[]): string {
  const places = STRINGS.places(
    queue.processing.length,
    slotsOf(servers)?.slots ?? queue.max_concurrent,
    formatCount(queue.queue_length),
    formatCount(queue.max_queue_size),
  );
  if (queue.average_processing_time_ms === 0) return places;
  const duration = formatDuration(queue.average_processing_time_ms);
  return places + (queue.is_average_measured ? STRINGS.average(duration) : STRINGS.estimate(duration));
}

function queueRows({ processing, pending }: QueueOverview, hasServers: boolean): QueueRow[] {
  return [
    ...processing.map(
      ({ request_id: id, caller, model, model_server: server, running_ms: ageMs, tokens }, index): QueueRow => ({
        ...{ key: id ?? `running ${index}`, id, caller, model, server: hasServers ? server : undefined, ageMs, tokens },
        ...{ position: undefined, priority: undefined },
      }),
    ),
    ...pending.map(
      (
        { request_id: id, caller, model, model_server: server, queue_position: position, priority, waiting_ms: ageMs },
        index,
      ): QueueRow => ({
        ...{ key: id ?? `waiting ${index}`, id, caller, model, server: hasServers ? server : undefined },
        ...{ position, priority, ageMs },
        tokens: undefined,
      }),
    ),
  ];
}

function describe({ id, caller, model, position, ageMs }: QueueRow): string {
  const { description, running, queued } = STRINGS.confirm;
  const age = formatSeconds(ageMs);
  const which = caller === undefined ? name(id) : `${name(id)} · ${caller}`;
  return description(which, model, position === undefined ? running(age) : queued(age));
}

function name(id: string | undefined): string {
  return id === undefined ? STRINGS.otherUser : shortened(id);
}

function shortened(id: string): string {
  return id.slice(0, 8);
}
