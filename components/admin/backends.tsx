'use client';

import { CirclePause, CirclePlay, Lock, Plus, Trash2 } from 'lucide-react';
import { useState } from 'react';
import useSWR from 'swr';
import { ListTable } from '#components/admin/list-table';
import { RowMenu } from '#components/admin/row-menu';
import { Failure } from '#components/people/failure';
import { TextField } from '#components/people/field';
import { EmptyList, ListSkeleton, Section } from '#components/people/section';
import { Badge } from '#components/ui/badge';
import { Button } from '#components/ui/button';
import { Confirm } from '#components/ui/dialog';
import { formatCount } from '#lib/browser/format';
import { formatAgo } from '#lib/browser/format-date';
import { showToast } from '#lib/browser/toasts';
import type { AdminBackend } from '#lib/wire/admin-backends';
import { useNow } from '../people/use-now.ts';
import { useSubmit } from '../people/use-submit.ts';
import { attempt } from './attempt.ts';
import { addBackend, drainBackend, fetchBackends, removeBackend } from './backends-api.ts';
import { ADMIN_STRINGS } from './strings/frame.ts';
import { SERVER_ADMIN_STRINGS } from './strings/server.ts';

const { backends: STRINGS } = SERVER_ADMIN_STRINGS;
/** What is in flight at a draining one goes down meanwhile. */
const REFRESH_MS = 5_000;
const TONES = { up: 'good', down: 'error', unknown: 'neutral' } as const;

/** The gateway's backends: add, drain, remove. Draining and removing are undone with one press. */
export function Backends() {
  const { data, error, mutate } = useSWR('admin-backends', fetchBackends, { refreshInterval: REFRESH_MS });
  const now = useNow();
  const [removing, setRemoving] = useState<AdminBackend>();
  const [isOpen, setOpen] = useState(false);
  const reload = () => void mutate();
  const drain = async ({ id, url }: AdminBackend, draining: boolean): Promise<void> => {
    const back = () => void attempt(() => drainBackend(id, !draining), sentence(url, !draining)).then(reload);
    await attempt(() => drainBackend(id, draining), sentence(url, draining), back);
    reload();
  };
  const remove = ({ id, url }: AdminBackend) => {
    const back = () => void attempt(() => addBackend(url), STRINGS.added(url)).then(reload);
    void attempt(() => removeBackend(id), STRINGS.removed(url), back).then(reload);
  };
  return (
    <Section title={STRINGS.title} hint={STRINGS.hint}>
      {error === undefined ? null : <Failure error={error} onRetry={reload} />}
      {data === undefined ? (
        error === undefined ? (
          <ListSkeleton rows={1} />
        ) : null
      ) : data.backends.length === 0 ? (
        <EmptyList title={STRINGS.empty} hint={STRINGS.emptyHint} />
      ) : (
        <ListTable
          label={STRINGS.title}
          actions={STRINGS.columns.actions}
          columns={[
            { label: STRINGS.columns.address },
            { label: STRINGS.columns.state, className: 'w-28' },
            { label: STRINGS.columns.open, className: 'w-40' },
          ]}
          rows={data.backends.map((backend) => ({
            key: backend.id,
            cells: cellsOf(backend, now),
            action: (
              <RowMenu
                name={backend.url}
                items={[
                  {
                    label: backend.draining ? STRINGS.resume : STRINGS.drain,
                    icon: backend.draining ? (
                      <CirclePlay className="size-4" aria-hidden />
                    ) : (
                      <CirclePause className="size-4" aria-hidden />
                    ),
                    onSelect: () => void drain(backend, !backend.draining),
                  },
                  ...(backend.source === 'environment'
                    ? []
                    : [
                        {
                          label: STRINGS.remove,
                          icon: <Trash2 className="size-4" aria-hidden />,
                          danger: true,
                          onSelect: () => {
                            setRemoving(backend);
                            setOpen(true);
                          },
                        },
                      ]),
                ]}
              />
            ),
          }))}
        />
      )}
      <AddForm onAdded={reload} />
      {removing === undefined ? null : (
        <Confirm
          open={isOpen}
          onOpenChange={setOpen}
          title={STRINGS.removeTitle(removing.url)}
          description={STRINGS.removeConfirm}
          action={STRINGS.remove}
          cancel={STRINGS.keep}
          danger
          onConfirm={() => remove(removing)}
        />
      )}
    </Section>
  );
}

function AddForm({ onAdded }: { onAdded: () => void }) {
  const [url, setUrl] = useState('');
  const { isBusy, error, submit } = useSubmit(async () => {
    const added = await addBackend(url.trim());
    setUrl('');
    showToast({ text: STRINGS.added(added.url) });
    onAdded();
  });
  return (
    <form onSubmit={submit} className="flex flex-col gap-2 border-t pt-4">
      <TextField
        label={STRINGS.address}
        hint={STRINGS.addressHint}
        required
        type="url"
        inputMode="url"
        maxLength={2_000}
        autoComplete="off"
        spellCheck={false}
        placeholder={STRINGS.addressExample}
        value={url}
        onChange={setUrl}
        className="max-w-120 font-mono"
      />
      {error === undefined ? null : <Failure error={error} />}
      <div>
        <Button type="submit" disabled={isBusy}>
          <Plus className="size-4" aria-hidden />
          {isBusy ? STRINGS.adding : STRINGS.add}
        </Button>
      </div>
    </form>
  );
}

function cellsOf(backend: AdminBackend, now: number) {
  const { url, source, has_token: hasToken, draining, active, waiting, web_sockets: sockets, state } = backend;
  const { changed_at: changedAt, changed_by: changedBy } = backend;
  const open = active + waiting;
  const isDrained = open === 0 && sockets === 0;
  return [
    <span key="address" className="block min-w-0">
      <span className="block truncate font-medium font-mono" title={url}>
        {url}
      </span>
      <span className="flex flex-wrap items-center gap-x-2 text-ink-3 text-xs">
        {source === 'environment' ? (
          <span className="flex items-center gap-1" title={STRINGS.environmentLocked}>
            <Lock className="size-3.5" aria-hidden />
            {STRINGS.environment}
          </span>
        ) : null}
        {hasToken ? <span>{STRINGS.hasToken}</span> : null}
        {changedAt === null ? null : (
          <span>{STRINGS.changed(changedBy ?? ADMIN_STRINGS.title, formatAgo(changedAt, now))}</span>
        )}
      </span>
    </span>,
    draining ? (
      <Badge key="state" tone="warn">
        {isDrained ? STRINGS.drained : STRINGS.draining}
      </Badge>
    ) : (
      <Badge key="state" tone={TONES[state]}>
        {STRINGS.states[state]}
      </Badge>
    ),
    STRINGS.open(formatCount(open), sockets),
  ];
}

function sentence(url: string, draining: boolean): string {
  return draining ? STRINGS.drainingNow(url) : STRINGS.resumedNow(url);
}
