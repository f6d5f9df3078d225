'use client';

import { Ellipsis } from 'lucide-react';
import { useState } from 'react';
import { StatusDot } from '#components/ui/status-dot';
import { loadable, useLoaded } from '#lib/browser/loadable';
import type { Account, SignedInPerson } from './account.ts';
import { NAV_ICON, NAV_ITEM } from './nav-item.ts';
import { SHELL_STRINGS } from './strings.ts';
import type { Theme } from './theme.ts';
import { useServices } from './use-services.ts';

const sheet = loadable(() => import('#components/shell/more-sheet').then(({ MoreSheet }) => MoreSheet));

interface MoreButtonProps {
  theme: Theme;
  account: Account;
  person: SignedInPerson | undefined;
}

/** Opens a sheet with everything for which a phone's bar or a low rail has no space. */
export function MoreButton({ theme, account, person }: MoreButtonProps) {
  const [open, setOpen] = useState(false);
  const isThere = useLoaded(open, sheet, () => setOpen(false));
  return (
    <>
      <button
        type="button"
        aria-haspopup="dialog"
        aria-expanded={open}
        onClick={() => setOpen(true)}
        onPointerEnter={sheet.preload}
        onFocus={sheet.preload}
        className={`${NAV_ITEM} relative text-ink-2 hover:bg-hover hover:text-ink tall:hidden`}
      >
        <span className={NAV_ICON}>
          <Ellipsis className="size-[1.125rem]" strokeWidth={1.75} aria-hidden />
        </span>
        {account === 'signed_out' ? SHELL_STRINGS.more : <MoreLabel />}
      </button>
      {isThere ? (
        <sheet.Component open={open} onOpenChange={setOpen} theme={theme} account={account} person={person} />
      ) : null}
    </>
  );
}

/** The word, and a dot while a service is down: the bar has no other place for it. */
function MoreLabel() {
  const down = useServices().filter(({ status }) => status.level === 'error');
  if (down.length === 0) return SHELL_STRINGS.more;
  return (
    <>
      <span aria-hidden>{SHELL_STRINGS.more}</span>
      <span className="sr-only">{SHELL_STRINGS.moreWithTrouble(down.map(({ name }) => name))}</span>
      <StatusDot level="error" className="absolute top-2 left-[calc(50%+0.625rem)]" />
    </>
  );
}
