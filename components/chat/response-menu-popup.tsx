'use client';

import { RefreshCw, Trash2 } from 'lucide-react';
import { MenuPopup } from '#components/ui/menu-popup';
import type { MenuEntry } from '#components/ui/popup-props';
import { useModels } from '#lib/browser/service-status';
import { deleteVersion } from './delete-with-undo.ts';
import type { ResponseMenuProps } from './response-menu-props.ts';
import { TURN_STRINGS } from './strings/turns.ts';

export function ResponseMenuPopup({ message, kind, hasVersions, trigger, onRegenerate }: ResponseMenuProps) {
  const { data } = useModels();
  const isOnce = kind === 'all';
  const models = (data?.models ?? []).map(
    ({ id }): MenuEntry => ({
      label: isOnce ? TURN_STRINGS.regenerateWith(id) : id,
      ...(isOnce ? { icon: <RefreshCw className="size-4" strokeWidth={1.75} aria-hidden /> } : {}),
      onSelect: () => onRegenerate(message.id, { model: id, isOnce }),
    }),
  );
  const deletion: MenuEntry = {
    label: TURN_STRINGS.deleteVersion,
    icon: <Trash2 className="size-4" strokeWidth={1.75} aria-hidden />,
    danger: true,
    onSelect: () => deleteVersion(message),
  };
  const loading: MenuEntry = { label: TURN_STRINGS.loadingModels, onSelect: () => undefined };
  return (
    <MenuPopup
      trigger={trigger}
      align="start"
      items={[...(data === undefined ? [loading] : models), ...(isOnce && hasVersions ? [deletion] : [])]}
    />
  );
}
