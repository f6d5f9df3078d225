'use client';

import { Download, Ellipsis, Upload } from 'lucide-react';
import { useRef, useState } from 'react';
import { IconButton } from '#components/ui/icon-button';
import { Menu } from '#components/ui/menu';
import { Notice } from '#components/ui/notice';
import { exportAll, importFile } from './conversation-files.ts';

/** Exports all conversations to a file, or imports one. */
export function ImportExportMenu() {
  const field = useRef<HTMLInputElement>(null);
  const [outcome, setOutcome] = useState<{ kind: 'info' | 'error'; sentence: string }>();
  const take = async (file: File | undefined) => {
    if (file === undefined) return;
    try {
      const count = await importFile(file);
      setOutcome({
        kind: 'info',
        sentence: `${count} ${count === 1 ? 'conversation was' : 'conversations were'} imported.`,
      });
    } catch (error) {
      setOutcome({ kind: 'error', sentence: error instanceof Error ? error.message : 'The file could not be read.' });
    }
  };
  return (
    <>
      <Menu
        trigger={
          <IconButton label="Export and import" side="bottom">
            <Ellipsis className="size-4" aria-hidden />
          </IconButton>
        }
        items={[
          {
            label: 'Export all conversations',
            icon: <Download className="size-4" aria-hidden />,
            onSelect: () => void exportAll(),
          },
          {
            label: 'Import conversations',
            icon: <Upload className="size-4" aria-hidden />,
            onSelect: () => field.current?.click(),
          },
        ]}
      />
      <input
        ref={field}
        type="file"
        accept="application/json,.json"
        aria-label="File of exported conversations"
        className="hidden"
        onChange={(event) => {
          void take(event.target.files?.[0]);
          event.target.value = '';
        }}
      />
      <div role="status" className="absolute inset-x-2 top-full z-10 mt-1 empty:hidden">
        {outcome === undefined ? null : (
          <Notice
            kind={outcome.kind}
            className="bg-surface! shadow-float"
            action={
              <button type="button" className="font-medium text-accent text-xs" onClick={() => setOutcome(undefined)}>
                Hide
              </button>
            }
          >
            {outcome.sentence}
          </Notice>
        )}
      </div>
    </>
  );
}
