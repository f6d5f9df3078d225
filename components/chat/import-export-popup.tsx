'use client';

import { Download, Trash2, Upload } from 'lucide-react';
import { useState } from 'react';
import { Confirm } from '#components/ui/dialog';
import { MenuPopup } from '#components/ui/menu-popup';
import type { MenuProps } from '#components/ui/popup-props';
import { exportChats } from './conversation-files.ts';
import { deleteAllChats } from './delete-chat.ts';
import { CHAT_ACTION_STRINGS as S } from './strings/chat-actions.ts';
import { useChatSelector } from './use-chat.ts';

interface ImportExportPopupProps extends Pick<MenuProps, 'trigger'> {
  onImport: () => void;
  onDeleted: () => void;
}

/** The menu of all conversations. Open from its first render. */
export function ImportExportPopup({ trigger, onImport, onDeleted }: ImportExportPopupProps) {
  const [isDeleting, setDeleting] = useState(false);
  const count = useChatSelector(({ conversations }) => conversations.length);
  return (
    <>
      <MenuPopup
        trigger={trigger}
        items={[
          {
            label: S.exportAll,
            icon: <Download className="size-4" aria-hidden />,
            onSelect: () => void exportChats(),
          },
          { label: S.import, icon: <Upload className="size-4" aria-hidden />, onSelect: onImport },
          ...(count === 0
            ? []
            : [
                {
                  label: S.deleteAll,
                  icon: <Trash2 className="size-4" aria-hidden />,
                  danger: true,
                  onSelect: () => setDeleting(true),
                },
              ]),
        ]}
      />
      <Confirm
        open={isDeleting}
        onOpenChange={setDeleting}
        title={S.deleteAllTitle}
        description={S.deleteAllDescription(count)}
        action={S.deleteAll}
        danger
        onConfirm={() => void deleteAllChats().then(onDeleted)}
      />
    </>
  );
}
