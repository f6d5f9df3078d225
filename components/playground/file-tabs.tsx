'use client';

import clsx from 'clsx';
import { Ellipsis, FilePlus2 } from 'lucide-react';
import { type KeyboardEvent, useEffect, useRef, useState } from 'react';
import { Button } from '#components/ui/button';
import { Dialog } from '#components/ui/dialog';
import { ICON_BUTTON, IconButton } from '#components/ui/icon-button';
import { Menu } from '#components/ui/menu';
import { NameForm } from '#components/ui/name-form';
import { showToast } from '#lib/browser/toasts';
import { PROGRAM_STRINGS as S } from './strings.ts';
import { fileNameError, MAX_FILES, type WorkspaceFile } from './workspace.ts';

interface FileTabsProps {
  files: readonly WorkspaceFile[];
  current: WorkspaceFile;
  /** The `id` of the panel that shows the file. */
  panel: string;
  suggestedName: string;
  onShow: (id: number) => void;
  onAdd: (name: string) => void;
  onRename: (id: number, name: string) => void;
  onDelete: (id: number) => void;
  onUpload: () => void;
}

type OpenDialog = 'nothing' | 'add' | 'rename';

/** The files of the program. The first one is run and cannot be renamed. */
export function FileTabs({ files, current, panel, suggestedName, ...on }: FileTabsProps) {
  const [openDialog, setOpenDialog] = useState<OpenDialog>('nothing');
  const list = useRef<HTMLDivElement>(null);
  const close = (open: boolean) => {
    if (!open) setOpenDialog('nothing');
  };
  const others = (id?: number) => files.filter((file) => file.id !== id).map(({ name }) => name);
  const isMain = current.id === files[0]?.id;
  const isFull = files.length >= MAX_FILES;
  // The tab of the file that is shown is in view, also among many.
  useEffect(() => {
    list.current?.querySelector(`#${tabId(current.id)}`)?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [current.id]);
  const onKeyDown = (event: KeyboardEvent) => {
    const at = files.findIndex(({ id }) => id === current.id);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: files.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const next = (to + files.length) % files.length;
    const file = files[next];
    if (file === undefined) return;
    on.onShow(file.id);
    list.current?.querySelectorAll<HTMLElement>('[role=tab]')[next]?.focus();
  };
  return (
    <div className="flex h-10 shrink-0 items-center gap-0.5 border-b bg-sunken ps-2 pe-1 md:ps-3 pointer-coarse:h-11">
      <div
        ref={list}
        role="tablist"
        aria-label={S.files}
        className="flex min-w-0 items-center gap-0.5 overflow-x-auto py-1"
      >
        {files.map(({ id, name }) => (
          <button
            key={id}
            type="button"
            role="tab"
            id={tabId(id)}
            aria-selected={id === current.id}
            aria-controls={panel}
            tabIndex={id === current.id ? 0 : -1}
            onClick={() => on.onShow(id)}
            onKeyDown={onKeyDown}
            className={clsx(
              'h-7 shrink-0 rounded-sm px-2.5 font-mono text-xs transition-colors pointer-coarse:h-10',
              id === current.id
                ? 'bg-canvas font-medium text-ink shadow-[0_0_0_1px_var(--line-strong)]'
                : 'text-ink-2 hover:bg-hover hover:text-ink',
            )}
          >
            {name}
          </button>
        ))}
      </div>
      {isMain ? null : (
        <Menu
          align="start"
          trigger={
            <button
              type="button"
              aria-label={S.moreFor(current.name)}
              className={clsx(ICON_BUTTON, 'size-7 pointer-coarse:size-10')}
            >
              <Ellipsis className="size-4" strokeWidth={1.75} aria-hidden />
            </button>
          }
          items={[
            { label: S.rename, onSelect: () => setOpenDialog('rename') },
            { label: S.delete, danger: true, onSelect: () => on.onDelete(current.id) },
          ]}
        />
      )}
      <IconButton
        label={isFull ? S.fileLimit(MAX_FILES) : S.addFile}
        side="bottom"
        className="size-7 pointer-coarse:size-10"
        aria-disabled={isFull}
        onClick={() => (isFull ? showToast({ text: S.fileLimit(MAX_FILES) }) : setOpenDialog('add'))}
      >
        <FilePlus2 className="size-4" strokeWidth={1.75} aria-hidden />
      </IconButton>
      <Dialog open={openDialog === 'add'} onOpenChange={close} title={S.addFile}>
        <NameForm
          key={suggestedName}
          label={S.name}
          name={suggestedName}
          errorOf={(name) => fileNameError(name, others())}
          action={S.add}
          onName={on.onAdd}
          onDone={() => close(false)}
        >
          <Button
            onClick={() => {
              close(false);
              on.onUpload();
            }}
          >
            {S.upload}
          </Button>
        </NameForm>
      </Dialog>
      <Dialog open={openDialog === 'rename'} onOpenChange={close} title={S.renameFile}>
        <NameForm
          key={current.name}
          label={S.name}
          name={current.name}
          errorOf={(name) => fileNameError(name, others(current.id))}
          action={S.renameAction}
          onName={(name) => on.onRename(current.id, name)}
          onDone={() => close(false)}
        />
      </Dialog>
    </div>
  );
}

export function tabId(id: number): string {
  return `file-${id}`;
}
