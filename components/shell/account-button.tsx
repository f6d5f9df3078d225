'use client';

import { CircleUserRound, LogIn, LogOut, Trash2, UserRound, UsersRound } from 'lucide-react';
import { useRouter } from 'next/navigation';
import { useState } from 'react';
import { DeleteOnSignOut } from '#components/shell/delete-on-sign-out';
import { ICON_BUTTON, IconButton } from '#components/ui/icon-button';
import { Menu } from '#components/ui/menu';
import { tip } from '#components/ui/tooltip';
import { SIGN_IN_PATH } from '#lib/browser/sign-in-url';
import { ACCOUNT_PATH, type Account, ADMIN_PATH, type SignedInPerson, signOut } from './account.ts';
import { SHELL_STRINGS } from './strings.ts';

interface AccountButtonProps {
  account: Account;
  person: SignedInPerson | undefined;
}

/** The account's menu in the rail, where the server has keys or accounts. */
export function AccountButton({ account, person }: AccountButtonProps) {
  const [isDeleting, setDeleting] = useState(false);
  const router = useRouter();
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
          <IconButton
            label={person === undefined ? SHELL_STRINGS.account : SHELL_STRINGS.accountOf(person.name)}
            side="right"
          >
            <CircleUserRound className="size-[1.125rem]" strokeWidth={1.75} aria-hidden />
          </IconButton>
        }
        items={[
          ...(person === undefined
            ? []
            : [
                {
                  label: SHELL_STRINGS.account,
                  icon: <UserRound className="size-4" aria-hidden />,
                  onSelect: () => router.push(ACCOUNT_PATH),
                },
              ]),
          ...(person?.mayAdminister === true
            ? [
                {
                  label: SHELL_STRINGS.administration,
                  icon: <UsersRound className="size-4" aria-hidden />,
                  onSelect: () => router.push(ADMIN_PATH),
                },
              ]
            : []),
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
