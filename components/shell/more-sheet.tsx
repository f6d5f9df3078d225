'use client';

import { Dialog } from '@base-ui/react/dialog';
import clsx from 'clsx';
import { BookOpenText, Command, Keyboard, LogIn, LogOut, Trash2, UserRound, UsersRound, X } from 'lucide-react';
import Link from 'next/link';
import { type ReactNode, useRef, useState } from 'react';
import { DeleteOnSignOut } from '#components/shell/delete-on-sign-out';
import { ServiceLine } from '#components/shell/status-popup';
import { THEME_ICONS } from '#components/shell/theme-icons';
import { ICON_BUTTON } from '#components/ui/icon-button';
import { SIGN_IN_PATH } from '#lib/browser/sign-in-url';
import { UI_STRINGS } from '../ui/strings.ts';
import { ACCOUNT_PATH, type Account, ADMIN_PATH, type SignedInPerson, signOut } from './account.ts';
import { type Overlay, openOverlay } from './overlay-requests.ts';
import { SHELL_STRINGS } from './strings.ts';
import { THEMES, type Theme } from './theme.ts';
import { useServices } from './use-services.ts';
import { applyTheme, useTheme } from './use-theme.ts';

interface MoreSheetProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  theme: Theme;
  account: Account;
  person: SignedInPerson | undefined;
}

/** A sheet from the lower edge: status, theme, and the entries of the frame. */
export function MoreSheet({ open, onOpenChange, theme, account, person }: MoreSheetProps) {
  // Opened after the sheet has closed, which would take the focus with it.
  const next = useRef<Overlay>(undefined);
  const [isDeleting, setDeleting] = useState(false);
  const openNext = (overlay: Overlay) => {
    next.current = overlay;
    onOpenChange(false);
  };
  return (
    <Dialog.Root
      open={open}
      onOpenChange={onOpenChange}
      onOpenChangeComplete={(isOpen) => {
        if (isOpen || next.current === undefined) return;
        openOverlay(next.current);
        next.current = undefined;
      }}
    >
      <Dialog.Portal>
        <Dialog.Backdrop className="fixed inset-0 z-40 bg-[oklch(0.15_0.01_260/0.45)] transition-opacity duration-150 data-ending-style:opacity-0 data-starting-style:opacity-0" />
        <Dialog.Popup className="scroller fixed inset-x-0 bottom-0 z-50 mx-auto max-h-[calc(100dvh-1rem)] max-w-md rounded-t-lg bg-surface px-3 pt-2 pb-[calc(0.75rem+env(safe-area-inset-bottom))] text-sm shadow-float outline-none transition-transform duration-200 data-ending-style:translate-y-full data-starting-style:translate-y-full">
          <div className="flex items-center justify-between gap-4 ps-2">
            <Dialog.Title className="font-semibold text-lg">{SHELL_STRINGS.more}</Dialog.Title>
            <Dialog.Close aria-label={UI_STRINGS.close} className={ICON_BUTTON}>
              <X className="size-4" aria-hidden />
            </Dialog.Close>
          </div>
          {account === 'signed_out' ? null : <Status />}
          <ThemeChoice initial={theme} />
          <div className="mt-3 flex flex-col border-t pt-2">
            <Entry icon={<Command {...ICON} />} onClick={() => openNext('commands')}>
              {SHELL_STRINGS.commandMenu}
            </Entry>
            <Link href="/docs/api" prefetch={false} className={ENTRY} onClick={() => onOpenChange(false)}>
              <BookOpenText {...ICON} />
              {SHELL_STRINGS.apiReference}
            </Link>
            <Entry icon={<Keyboard {...ICON} />} onClick={() => openNext('shortcuts')}>
              {SHELL_STRINGS.keyboardShortcuts}
            </Entry>
            {person === undefined ? null : (
              <Link href={ACCOUNT_PATH} prefetch={false} className={ENTRY} onClick={() => onOpenChange(false)}>
                <UserRound {...ICON} />
                <span className="min-w-0 truncate">{SHELL_STRINGS.accountOf(person.name)}</span>
              </Link>
            )}
            {person?.mayAdminister === true ? (
              <Link href={ADMIN_PATH} prefetch={false} className={ENTRY} onClick={() => onOpenChange(false)}>
                <UsersRound {...ICON} />
                {SHELL_STRINGS.administration}
              </Link>
            ) : null}
            {account === 'signed_in' ? (
              <>
                <Entry icon={<LogOut {...ICON} />} onClick={() => void signOut()}>
                  {SHELL_STRINGS.signOut}
                </Entry>
                <Entry icon={<Trash2 {...ICON} />} onClick={() => setDeleting(true)}>
                  {SHELL_STRINGS.signOutAndDelete}
                </Entry>
                <DeleteOnSignOut open={isDeleting} onOpenChange={setDeleting} />
              </>
            ) : null}
            {account === 'signed_out' ? (
              <a href={SIGN_IN_PATH} className={ENTRY}>
                <LogIn {...ICON} />
                {SHELL_STRINGS.signIn}
              </a>
            ) : null}
          </div>
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

const ICON = { className: 'size-[1.125rem] text-ink-2', strokeWidth: 1.75, 'aria-hidden': true } as const;
const ENTRY = 'flex min-h-10 items-center gap-3 rounded-md px-2 text-start hover:bg-hover';

function Entry({ icon, onClick, children }: { icon: ReactNode; onClick: () => void; children: ReactNode }) {
  return (
    <button type="button" onClick={onClick} className={ENTRY}>
      {icon}
      {children}
    </button>
  );
}

function Status() {
  return (
    <section aria-label={SHELL_STRINGS.status} className="mt-1 flex flex-col gap-3 px-2 pb-3">
      {useServices().map((service) => (
        <ServiceLine key={service.name} service={service} title="h3" />
      ))}
    </section>
  );
}

function ThemeChoice({ initial }: { initial: Theme }) {
  const theme = useTheme(initial);
  return (
    <fieldset aria-label={SHELL_STRINGS.theme} className="mt-1 flex gap-1 rounded-md bg-sunken p-1">
      {THEMES.map((value) => {
        const Icon = THEME_ICONS[value];
        const isChosen = value === theme;
        return (
          <button
            key={value}
            type="button"
            aria-pressed={isChosen}
            onClick={() => applyTheme(value)}
            className={clsx(
              'flex min-h-10 min-w-0 flex-1 items-center justify-center gap-2 rounded-sm px-2',
              isChosen ? 'border bg-surface font-medium' : 'text-ink-2 hover:bg-hover hover:text-ink',
            )}
          >
            <Icon className="size-4 shrink-0" strokeWidth={1.75} aria-hidden />
            {SHELL_STRINGS.themeName(value)}
          </button>
        );
      })}
    </fieldset>
  );
}
