'use client';

import { AlertDialog } from '@base-ui/react/alert-dialog';
import { Dialog as BaseDialog } from '@base-ui/react/dialog';
import clsx from 'clsx';
import { X } from 'lucide-react';
import { type RefObject, useRef, useState } from 'react';
import { Button } from '#components/ui/button';
import { ICON_BUTTON } from '#components/ui/icon-button';
import type { ConfirmProps, DialogProps } from '#components/ui/popup-props';
import { UI_STRINGS } from './strings.ts';

const BACKDROP =
  'fixed inset-0 z-40 bg-[oklch(0.15_0.01_260/0.45)] transition-opacity duration-150 data-ending-style:opacity-0 data-starting-style:opacity-0';
const CENTER = 'top-1/2 max-h-[calc(100dvh-2rem)] -translate-y-1/2 p-5';
const TOP = 'top-[15dvh] max-h-[calc(85dvh-1rem)] p-2';
const PANEL =
  'fixed left-1/2 z-50 -translate-x-1/2 overflow-y-auto text-pretty rounded-lg bg-surface text-sm shadow-float outline-none transition-[opacity,scale] duration-150 data-ending-style:scale-[0.98] data-ending-style:opacity-0 data-starting-style:scale-[0.98] data-starting-style:opacity-0';

const WIDTH = 'w-[min(28rem,calc(100vw-2rem))]';
const COMMAND_WIDTH = 'w-[min(36rem,calc(100vw-2rem))]';
const WIDE = 'w-max min-w-[min(28rem,calc(100vw-2rem))] max-w-[calc(100vw-2rem)]';

export function DialogPopup({
  open,
  onOpenChange,
  onClosed,
  title,
  wide = false,
  placement = 'center',
  children,
}: DialogProps) {
  const popup = useRef<HTMLDivElement>(null);
  const finalFocus = useFinalFocus(open, popup);
  return (
    <BaseDialog.Root
      open={open}
      onOpenChange={onOpenChange}
      onOpenChangeComplete={(isOpen) => {
        if (!isOpen) onClosed?.();
      }}
    >
      <BaseDialog.Portal>
        <BaseDialog.Backdrop className={BACKDROP} />
        <BaseDialog.Popup
          ref={popup}
          initialFocus={() => firstField(popup.current) ?? true}
          finalFocus={finalFocus}
          className={clsx(PANEL, placement === 'top' ? clsx(TOP, COMMAND_WIDTH) : clsx(CENTER, wide ? WIDE : WIDTH))}
        >
          {placement === 'top' ? (
            <BaseDialog.Title className="sr-only">{title}</BaseDialog.Title>
          ) : (
            <div className="mb-4 flex items-center justify-between gap-4">
              <BaseDialog.Title className="min-w-0 font-semibold text-lg [overflow-wrap:anywhere]">
                {title}
              </BaseDialog.Title>
              <BaseDialog.Close aria-label={UI_STRINGS.close} className={clsx(ICON_BUTTON, '-me-2')}>
                <X className="size-4" aria-hidden />
              </BaseDialog.Close>
            </div>
          )}
          {children}
        </BaseDialog.Popup>
      </BaseDialog.Portal>
    </BaseDialog.Root>
  );
}

export function ConfirmPopup({
  open,
  onOpenChange,
  title,
  description,
  action,
  cancel = UI_STRINGS.cancel,
  danger = false,
  onConfirm,
}: ConfirmProps) {
  const popup = useRef<HTMLDivElement>(null);
  const finalFocus = useFinalFocus(open, popup);
  return (
    <AlertDialog.Root open={open} onOpenChange={onOpenChange}>
      <AlertDialog.Portal>
        <AlertDialog.Backdrop className={BACKDROP} />
        <AlertDialog.Popup ref={popup} finalFocus={finalFocus} className={clsx(PANEL, CENTER, WIDTH)}>
          <AlertDialog.Title className="font-semibold text-lg">{title}</AlertDialog.Title>
          <AlertDialog.Description className="mt-2 text-ink-2 [overflow-wrap:anywhere]">
            {description}
          </AlertDialog.Description>
          <div className="mt-6 flex flex-wrap justify-end gap-2">
            <AlertDialog.Close render={<Button>{cancel}</Button>} />
            <AlertDialog.Close
              render={<Button kind={danger ? 'danger' : 'primary'}>{action}</Button>}
              onClick={onConfirm}
            />
          </div>
        </AlertDialog.Popup>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}

export function DrawerPopup({ open, onOpenChange, title, children }: DialogProps) {
  return (
    <BaseDialog.Root open={open} onOpenChange={onOpenChange}>
      <BaseDialog.Portal>
        <BaseDialog.Backdrop className={BACKDROP} />
        <BaseDialog.Popup className="fixed inset-y-0 left-0 z-50 flex w-[min(20rem,calc(100vw-3rem))] flex-col bg-sunken shadow-float outline-none transition-transform duration-200 data-ending-style:-translate-x-full data-starting-style:-translate-x-full">
          <BaseDialog.Title className="sr-only">{title}</BaseDialog.Title>
          {children}
        </BaseDialog.Popup>
      </BaseDialog.Portal>
    </BaseDialog.Root>
  );
}

/** On phones: from the lower edge, with what can be read above it still in view. */
export function SheetPopup({ open, onOpenChange, title, children }: DialogProps) {
  const popup = useRef<HTMLDivElement>(null);
  return (
    <BaseDialog.Root open={open} onOpenChange={onOpenChange}>
      <BaseDialog.Portal>
        <BaseDialog.Backdrop className={BACKDROP} />
        {/* A focused field would cover half of the sheet with the keyboard. */}
        <BaseDialog.Popup
          ref={popup}
          initialFocus={popup}
          className="fixed inset-x-0 bottom-0 z-50 flex max-h-[85dvh] flex-col rounded-t-lg bg-surface text-sm shadow-float outline-none transition-transform duration-200 data-ending-style:translate-y-full data-starting-style:translate-y-full"
        >
          <div className="flex shrink-0 items-center justify-between gap-4 border-b py-1.5 ps-4 pe-2">
            <BaseDialog.Title className="min-w-0 font-semibold text-base">{title}</BaseDialog.Title>
            <BaseDialog.Close aria-label={UI_STRINGS.close} className={ICON_BUTTON}>
              <X className="size-4" aria-hidden />
            </BaseDialog.Close>
          </div>
          <div className="scroller min-h-0 flex-1 p-4 pb-[max(1rem,env(safe-area-inset-bottom))]">{children}</div>
        </BaseDialog.Popup>
      </BaseDialog.Portal>
    </BaseDialog.Root>
  );
}

/**
 * The field in which one types first, with its text selected, so that typing replaces it. Null in
 * a dialog without a field.
 */
function firstField(popup: HTMLElement | null): HTMLElement | null {
  const field = popup?.querySelector<HTMLInputElement | HTMLTextAreaElement>(FIELDS) ?? null;
  field?.select();
  return field;
}

const FIELDS =
  ':is(input:not([type=hidden], [type=checkbox], [type=radio], [type=file], [type=range]), textarea):not(:disabled, [readonly])';

/**
 * Where the focus returns: to the button of the menu that had it, because that menu has closed by
 * then; to its previous owner; else to the main field of the page. It stays where the reader, or
 * another dialog, has put it while this one was fading.
 */
function useFinalFocus(open: boolean, popup: RefObject<HTMLElement | null>): () => HTMLElement | boolean {
  const [wasOpen, setWasOpen] = useState(false);
  const [owner, setOwner] = useState<Element | null>(null);
  if (open !== wasOpen) {
    setWasOpen(open);
    if (open) setOwner(focusedMenuButton() ?? document.activeElement);
  }
  return () => {
    const { activeElement, body } = document;
    if (activeElement !== null && activeElement !== body && popup.current?.contains(activeElement) === false)
      return false;
    if (owner instanceof HTMLElement && owner.isConnected && owner !== document.body) return owner;
    return mainField() ?? true;
  };
}

function focusedMenuButton(): HTMLElement | null {
  const id = document.activeElement?.closest('[role=menu]')?.getAttribute('aria-labelledby');
  return id == null ? null : document.getElementById(id);
}

/** On touch screens the focus would open the keyboard. */
function mainField(): HTMLElement | null {
  if (!window.matchMedia('(pointer: fine)').matches) return null;
  return document.querySelector<HTMLElement>('[data-main-field]');
}
