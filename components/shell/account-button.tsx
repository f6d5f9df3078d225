'use client';

import { CircleUserRound, LogIn, LogOut, Trash2 } from 'lucide-react';
import { useState } from 'react';
import { DeleteOnSignOut } from '#components/shell/delete-on-sign-out';
import { ICON_BUTTON, IconButton } from '#components/ui/icon-button';
import { Menu } from '#components/ui/menu';
import { tip } from '#components/ui/tooltip';
import { SIGN_IN_PATH } from '#lib/browser/sign-in-url';
import { type Account, signOut } from './account.ts';
import { SHELL_STRINGS } from './strings.ts';

/** The account's menu in the rail, where the server has keys. */
export function AccountButton({ account }: { account: Account }) {
  const [isDeleting, setDeleting] = useState(false);
  if (account === 'none') return null;
  if (account === 'signed_out')
    return (
      <a
        href={SIGN_IN_PATH}
        aria-label={SHELL_STRINGS.signIn}
        className={ICON_BUTTON}
        {...tip(SHELL_STRINGS.signIn, undefined, 'right')}
      >
        <LogIn className="size-[1.125rem]" strokeWidth={1.75} aria-hidden />
      </a>
    );
  return (
    <>
      <Menu
        side="right"
        trigger={
          <IconButton label={SHELL_STRINGS.account} side="right">
            <CircleUserRound className="size-[1.125rem]" strokeWidth={1.75} aria-hidden />
          </IconButton>
        }
        items={[
          {
            label: SHELL_STRINGS.signOut,
            icon: <LogOut className="size-4" aria-hidden />,
            onSelect: () => void signOut(),
          },
          {
            label: SHELL_STRINGS.signOutAndDelete,
            icon: <Trash2 className="size-4" aria-hidden />,
            danger: true,
            onSelect: () => setDeleting(true),
          },
        ]}
      />
      <DeleteOnSignOut open={isDeleting} onOpenChange={setDeleting} />
    </>
  );
}
