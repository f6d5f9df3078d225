'use client';

import { Ellipsis } from 'lucide-react';
import { useRef, useState } from 'react';
import { IconButton } from '#components/ui/icon-button';
import { loadable, useLoaded } from '#lib/browser/loadable';
import { files } from './lazy-actions.ts';
import { HISTORY_STRINGS as S } from './strings/history.ts';

const popup = loadable(() =>
  import('#components/chat/import-export-popup').then(({ ImportExportPopup }) => ImportExportPopup),
);

/** Exports, imports or deletes all conversations. The menu's code is loaded with its first use. */
export function ImportExportMenu({ onDeleted }: { onDeleted: () => void }) {
  const field = useRef<HTMLInputElement>(null);
  const [wanted, setWanted] = useState(false);
  const isThere = useLoaded(wanted, popup, () => setWanted(false));
  const icon = <Ellipsis className="size-4" aria-hidden />;
  return (
    <>
      {isThere ? (
        <popup.Component
          trigger={
            <IconButton label={S.manage} side="bottom">
              {icon}
            </IconButton>
          }
          onImport={() => field.current?.click()}
          onDeleted={onDeleted}
        />
      ) : (
        <IconButton
          label={S.manage}
          side="bottom"
          onClick={() => setWanted(true)}
          onPointerEnter={popup.preload}
          onFocus={popup.preload}
          aria-haspopup="menu"
          aria-expanded={false}
        >
          {icon}
        </IconButton>
      )}
      <input
        ref={field}
        type="file"
        accept="application/json,.json"
        aria-label={S.importField}
        className="hidden"
        onChange={(event) => {
          const file = event.target.files?.[0];
          files.run(({ importChats }) => void importChats(file));
          event.target.value = '';
        }}
      />
    </>
  );
}
