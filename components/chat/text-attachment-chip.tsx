'use client';

import clsx from 'clsx';
import { FileText, TextCursorInput, X } from 'lucide-react';
import { useMemo, useState } from 'react';
import { Dialog } from '#components/ui/dialog';
import { ICON_BUTTON } from '#components/ui/icon-button';
import { tip } from '#components/ui/tooltip';
import { loadable, useLoaded } from '#lib/browser/loadable';
import { COMPOSER_STRINGS } from './strings/composer.ts';
import { type ChatFile, lineCount, utf8Bytes } from './text-files.ts';

interface TextAttachmentChipProps {
  file: ChatFile;
  /** Given if the file can be removed. */
  onRemove?: (() => void) | undefined;
  /** Given if the text can become a part of the message. */
  onToText?: (() => void) | undefined;
}

const viewer = loadable(() => import('#components/chat/text-viewer').then(({ TextViewer }) => TextViewer));

/** A text file of a question: name, lines and size. It opens in a dialog. */
export function TextAttachmentChip({ file, onRemove, onToText }: TextAttachmentChipProps) {
  const [open, setOpen] = useState(false);
  const isLoaded = useLoaded(open, viewer);
  const size = useMemo(() => COMPOSER_STRINGS.fileSize(lineCount(file.text), utf8Bytes(file.text)), [file.text]);
  return (
    <div className="flex max-w-full items-center rounded-md border bg-surface pe-1">
      <button
        type="button"
        aria-label={`${COMPOSER_STRINGS.openFile(file.name)} (${size})`}
        onClick={() => setOpen(true)}
        onPointerEnter={viewer.preload}
        onFocus={viewer.preload}
        className="flex min-h-11 min-w-0 items-center gap-2.5 rounded-md py-1 ps-2.5 pe-2 text-start transition-colors hover:bg-hover"
      >
        <FileText className="size-4 shrink-0 text-accent" strokeWidth={1.75} aria-hidden />
        <span className="flex min-w-0 flex-col">
          <span dir="auto" className="truncate font-medium text-sm">
            {file.name}
          </span>
          <span className="tabular truncate text-ink-2 text-xs">{size}</span>
        </span>
      </button>
      {onToText === undefined ? null : (
        <button
          {...tip(COMPOSER_STRINGS.toText)}
          type="button"
          aria-label={`${COMPOSER_STRINGS.toText}: ${file.name}`}
          onClick={onToText}
          className={clsx(ICON_BUTTON, 'size-7')}
        >
          <TextCursorInput className="size-4" strokeWidth={1.75} aria-hidden />
        </button>
      )}
      {onRemove === undefined ? null : (
        <button
          {...tip(COMPOSER_STRINGS.removeFile(file.name))}
          type="button"
          aria-label={COMPOSER_STRINGS.removeFile(file.name)}
          onClick={onRemove}
          className={clsx(ICON_BUTTON, 'size-7')}
        >
          <X className="size-4" aria-hidden />
        </button>
      )}
      <Dialog open={open && isLoaded} onOpenChange={setOpen} title={file.name} wide>
        <viewer.Component text={file.text} size={size} />
      </Dialog>
    </div>
  );
}

export interface TextAttachmentListProps {
  files: readonly (ChatFile & { id?: string })[];
  /** Given for a question that was not sent yet. */
  actions?: (place: number) => Pick<TextAttachmentChipProps, 'onRemove' | 'onToText'>;
  className?: string;
}

/** The text files of a question. */
export function TextAttachmentList({ files, actions, className }: TextAttachmentListProps) {
  return (
    <ul aria-label={COMPOSER_STRINGS.files} className={clsx('flex max-w-full flex-wrap gap-2', className)}>
      {/* Files without an id are those of a question that was sent, which never change. */}
      {Object.entries(files).map(([place, file]) => (
        <li key={file.id ?? place} className="max-w-full">
          <TextAttachmentChip file={file} {...actions?.(Number(place))} />
        </li>
      ))}
    </ul>
  );
}
