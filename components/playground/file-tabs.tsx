'use client';

import clsx from 'clsx';
import { Ellipsis, FilePlus2 } from 'lucide-react';
import { type FormEvent, type KeyboardEvent, useRef, useState } from 'react';
import { Button } from '#components/ui/button';
import { Confirm, Dialog } from '#components/ui/dialog';
import { ICON_BUTTON, IconButton } from '#components/ui/icon-button';
import { Menu } from '#components/ui/menu';
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
}

type OpenDialog = 'nothing' | 'add' | 'rename' | 'delete';

/** The files of the program. The first one is run and cannot be renamed. */
export function FileTabs({ files, current, panel, suggestedName, onShow, onAdd, onRename, onDelete }: FileTabsProps) {
  const [openDialog, setOpenDialog] = useState<OpenDialog>('nothing');
  const list = useRef<HTMLDivElement>(null);
  const close = (open: boolean) => {
    if (!open) setOpenDialog('nothing');
  };
  const others = (id?: number) => files.filter((file) => file.id !== id).map(({ name }) => name);
  const isMain = current.id === files[0]?.id;
  const onKeyDown = (event: KeyboardEvent) => {
    const at = files.findIndex(({ id }) => id === current.id);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: files.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const next = (to + files.length) % files.length;
    const file = files[next];
    if (file === undefined) return;
    onShow(file.id);
    list.current?.querySelectorAll<HTMLElement>('[role=tab]')[next]?.focus();
  };
  return (
    <div className="flex h-10 shrink-0 items-center gap-0.5 border-b bg-sunken ps-2 pe-1 md:ps-3 pointer-coarse:h-11">
      <div
        ref={list}
        role="tablist"
        aria-label="Files"
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
            onClick={() => onShow(id)}
            onKeyDown={onKeyDown}
            className={clsx(
              'h-7 shrink-0 rounded-sm px-2.5 font-mono text-xs transition-colors pointer-coarse:h-10',
              id === current.id
                ? 'bg-canvas text-ink shadow-[0_0_0_1px_var(--line)]'
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
              aria-label={`More for ${current.name}`}
              className={clsx(ICON_BUTTON, 'size-7 pointer-coarse:size-10')}
            >
              <Ellipsis className="size-4" strokeWidth={1.75} aria-hidden />
            </button>
          }
          items={[
            { label: 'Rename', onSelect: () => setOpenDialog('rename') },
            { label: 'Delete', danger: true, onSelect: () => setOpenDialog('delete') },
          ]}
        />
      )}
      <IconButton
        label={files.length < MAX_FILES ? 'Add a file' : `At most ${MAX_FILES} files`}
        side="bottom"
        className="size-7 pointer-coarse:size-10"
        disabled={files.length >= MAX_FILES}
        onClick={() => setOpenDialog('add')}
      >
        <FilePlus2 className="size-4" strokeWidth={1.75} aria-hidden />
      </IconButton>
      <Dialog open={openDialog === 'add'} onOpenChange={close} title="Add a file">
        <NameForm
          key={suggestedName}
          name={suggestedName}
          others={others()}
          action="Add"
          onName={onAdd}
          onDone={() => close(false)}
        />
      </Dialog>
      <Dialog open={openDialog === 'rename'} onOpenChange={close} title="Rename the file">
        <NameForm
          key={current.name}
          name={current.name}
          others={others(current.id)}
          action="Rename"
          onName={(name) => onRename(current.id, name)}
          onDone={() => close(false)}
        />
      </Dialog>
      <Confirm
        open={openDialog === 'delete'}
        onOpenChange={close}
        title={`Delete ${current.name}?`}
        description="Its text goes with it and does not come back."
        action="Delete"
        danger
        onConfirm={() => onDelete(current.id)}
      />
    </div>
  );
}

export function tabId(id: number): string {
  return `file-${id}`;
}

interface NameFormProps {
  name: string;
  others: readonly string[];
  action: string;
  onName: (name: string) => void;
  onDone: () => void;
}

function NameForm({ name, others, action, onName, onDone }: NameFormProps) {
  const [text, setText] = useState(name);
  const [submitted, setSubmitted] = useState(false);
  const trimmed = text.trim();
  const error = fileNameError(trimmed, others);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setSubmitted(true);
    if (error !== undefined) return;
    onName(trimmed);
    onDone();
  };
  return (
    <form onSubmit={submit} className="flex flex-col gap-2">
      <label className="flex flex-col gap-1">
        <span className="text-ink-2">Name</span>
        <input
          value={text}
          onChange={(event) => setText(event.target.value)}
          aria-invalid={submitted && error !== undefined}
          aria-describedby={ERROR_ID}
          autoComplete="off"
          spellCheck={false}
          className="h-9 rounded-md border border-line-strong bg-canvas px-3 font-mono text-sm outline-none pointer-coarse:h-10"
        />
      </label>
      <p id={ERROR_ID} role="status" className="min-h-5 text-error text-xs">
        {submitted || trimmed !== name ? error : undefined}
      </p>
      <Button type="submit" kind="primary" className="self-end">
        {action}
      </Button>
    </form>
  );
}

const ERROR_ID = 'file-name-fault';
