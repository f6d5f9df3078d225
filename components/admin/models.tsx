'use client';

import { Download as DownloadIcon } from 'lucide-react';
import { useState } from 'react';
import useSWR, { useSWRConfig } from 'swr';
import { Downloads } from '#components/admin/download-list';
import { ListHead } from '#components/admin/list-head';
import { ListTable } from '#components/admin/list-table';
import { ModelDialog } from '#components/admin/model-dialog';
import { ModelMenu } from '#components/admin/model-menu';
import { PullForm } from '#components/admin/pull-form';
import { LoadState } from '#components/people/load-state';
import { EmptyList } from '#components/people/section';
import { Badge } from '#components/ui/badge';
import { Button } from '#components/ui/button';
import { Confirm, Dialog } from '#components/ui/dialog';
import { formatBytes } from '#lib/browser/format';
import type { AdminModel } from '#lib/wire/people-admin';
import { attempt } from './attempt.ts';
import { download } from './downloads.ts';
import { deleteModel, fetchAdminModels } from './models-api.ts';
import { ADMIN_STRINGS } from './strings/frame.ts';
import { SERVER_ADMIN_STRINGS } from './strings/server.ts';

const { models: STRINGS } = SERVER_ADMIN_STRINGS;
const REFRESH_MS = 10_000;

type Opened = { kind: 'edit' | 'delete'; model: AdminModel };

/** The models of all servers: download, load, hide, default, name and prompt, delete. */
export function Models() {
  const { data, error, mutate } = useSWR('admin-models', fetchAdminModels, { refreshInterval: REFRESH_MS });
  const { mutate: mutateAll } = useSWRConfig();
  const [opened, setOpened] = useState<Opened>();
  const [isOpen, setOpen] = useState(false);
  const [isPulling, setPulling] = useState(false);
  // The model picker and the dots show the same models.
  const reload = () => {
    void mutate();
    void mutateAll('models');
  };
  const open = (kind: Opened['kind'], model: AdminModel) => {
    setOpened({ kind, model });
    setOpen(true);
  };
  const pull =
    data?.can_pull === true ? (
      <Button kind="primary" onClick={() => setPulling(true)}>
        <DownloadIcon className="size-4" strokeWidth={1.75} aria-hidden />
        {STRINGS.pull}
      </Button>
    ) : null;
  return (
    <div className="flex flex-col gap-4">
      <ListHead hint={data?.can_pull === false ? `${STRINGS.hint} ${STRINGS.cannotPull}` : STRINGS.hint}>
        {data?.models.length === 0 ? null : pull}
      </ListHead>
      <Downloads />
      <LoadState data={data} error={error} onRetry={() => void mutate()} />
      {data === undefined ? null : data.models.length === 0 ? (
        <EmptyList title={STRINGS.empty} hint={STRINGS.emptyHint}>
          {pull}
        </EmptyList>
      ) : (
        <ListTable
          label={ADMIN_STRINGS.models}
          actions={STRINGS.columns.actions}
          columns={[
            { label: STRINGS.columns.model },
            { label: STRINGS.columns.state, className: 'w-28' },
            { label: STRINGS.columns.servers, className: 'w-44' },
            { label: STRINGS.columns.size, className: 'w-28' },
          ]}
          rows={data.models.map((model) => ({
            // Model servers of two kinds may have a model of the same name.
            key: `${model.provider} ${model.id}`,
            cells: cellsOf(model),
            action: (
              <ModelMenu
                model={model}
                defaultModel={data.models.find((one) => one.is_default)?.id}
                isDefaultLocked={data.default_locked_by !== null}
                onOpen={open}
                onDone={reload}
              />
            ),
          }))}
        />
      )}
      <Dialog open={isPulling} onOpenChange={setPulling} title={STRINGS.pull}>
        <PullForm
          onPull={(name) => {
            setPulling(false);
            void download(name, reload);
          }}
        />
      </Dialog>
      {opened === undefined ? null : (
        <>
          <ModelDialog
            open={isOpen && opened.kind === 'edit'}
            onOpenChange={setOpen}
            model={opened.model}
            onChange={reload}
          />
          <Confirm
            open={isOpen && opened.kind === 'delete'}
            onOpenChange={setOpen}
            title={STRINGS.removeTitle(opened.model.id)}
            description={STRINGS.removeConfirm}
            action={STRINGS.remove}
            cancel={STRINGS.keep}
            danger
            onConfirm={() => {
              const { id } = opened.model;
              void attempt(() => deleteModel(id), STRINGS.removed(id)).then(reload);
            }}
          />
        </>
      )}
    </div>
  );
}

function cellsOf(model: AdminModel) {
  const { id, display_name: displayName, hidden, is_default: isDefault, system_prompt: prompt, access } = model;
  return [
    <span key="name" className="block min-w-0">
      <span className="flex min-w-0 flex-wrap items-center gap-x-2">
        <span className="truncate font-medium" title={id}>
          {displayName ?? id}
        </span>
        {isDefault ? <Badge tone="accent">{STRINGS.isDefault}</Badge> : null}
        {hidden ? <Badge tone="warn">{STRINGS.hidden}</Badge> : null}
        {access === null ? null : <Badge tone="warn">{STRINGS.restricted}</Badge>}
        {prompt === null ? null : <Badge>{STRINGS.hasPrompt}</Badge>}
        {Object.keys(model.parameters).length === 0 ? null : <Badge>{STRINGS.hasParameters}</Badge>}
      </span>
      {displayName === null ? null : <span className="block truncate text-ink-2 text-xs">{id}</span>}
    </span>,
    model.loaded ? STRINGS.loaded : STRINGS.notLoaded,
    (model.servers ?? []).join(', '),
    model.size_bytes === null ? '' : formatBytes(model.size_bytes),
  ];
}
