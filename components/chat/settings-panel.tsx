'use client';

import { X } from 'lucide-react';
import { type KeyboardEvent, type ReactNode, useEffect, useRef, useState, useSyncExternalStore } from 'react';
import { SettingsForm } from '#components/chat/settings-form';
import { SheetPopup } from '#components/ui/dialog-popup';
import { IconButton } from '#components/ui/icon-button';
import type { SettingsPanelProps } from './settings-props.ts';
import { SETTINGS_STRINGS as S } from './strings/settings.ts';

/**
 * The settings of a chat next to it, so that one can go on in the chat; a sheet on phones.
 */
export function SettingsPanel({ open, onClose, ...form }: SettingsPanelProps) {
  const isPhone = useMedia('(width < 48rem)');
  if (isPhone)
    return (
      <SheetPopup
        open={open}
        onOpenChange={(isOpen) => {
          if (!isOpen) onClose();
        }}
        title={S.title}
      >
        <SettingsForm key={form.chat} {...form} />
      </SheetPopup>
    );
  return open ? (
    <SidePanel onClose={onClose}>
      <SettingsForm key={form.chat} {...form} />
    </SidePanel>
  ) : null;
}

function SidePanel({ onClose, children }: { onClose: () => void; children: ReactNode }) {
  const panel = useRef<HTMLElement>(null);
  useEffect(() => {
    const field = panel.current?.querySelector('textarea');
    field?.focus();
    field?.setSelectionRange(field.value.length, field.value.length);
  }, []);
  const onKeyDown = (event: KeyboardEvent<HTMLElement>) => {
    // A menu of the panel is drawn elsewhere, and closes by itself.
    const isInside = event.target instanceof Node && event.currentTarget.contains(event.target);
    if (event.key === 'Escape' && isInside && !event.defaultPrevented) onClose();
  };
  return (
    <aside
      ref={panel}
      aria-label={S.title}
      onKeyDown={onKeyDown}
      className="flex w-80 shrink-0 flex-col border-s bg-sunken"
    >
      <div className="flex h-13 shrink-0 items-center justify-between gap-2 border-b ps-4 pe-2">
        <h2 className="font-semibold text-base">{S.title}</h2>
        <IconButton label={S.close} side="bottom" onClick={onClose}>
          <X className="size-4" aria-hidden />
        </IconButton>
      </div>
      <div className="scroller min-h-0 flex-1 p-4">{children}</div>
    </aside>
  );
}

function useMedia(query: string): boolean {
  const [list] = useState(() => window.matchMedia(query));
  return useSyncExternalStore(
    (listener) => {
      list.addEventListener('change', listener);
      return () => list.removeEventListener('change', listener);
    },
    () => list.matches,
    () => false,
  );
}
