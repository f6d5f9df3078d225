'use client';

import { ChangesSection } from '#components/account/changes-section';
import { DataSection } from '#components/account/data-section';
import { KeysSection } from '#components/account/keys-section';
import { PasswordSection } from '#components/account/password-section';
import { ProviderSection } from '#components/account/provider-section';
import { SessionsSection } from '#components/account/sessions-section';
import { TwoFactorSection } from '#components/account/two-factor-section';
import { UsageSection } from '#components/account/usage-section';
import { Failure } from '#components/people/failure';
import { LimitBars } from '#components/people/limit-bars';
import { ListSkeleton, Section } from '#components/people/section';
import { PageBar } from '#components/shell/page-bar';
import { Notice } from '#components/ui/notice';
import { formatPercent } from '#lib/browser/format';
import type { Me } from '#lib/wire/people';
import { PEOPLE_STRINGS } from '../people/strings.ts';
import { useMe } from '../people/use-me.ts';
import { ACCOUNT_STRINGS as STRINGS } from './strings.ts';

/** Makes the region scrollable by keyboard. */
const SCROLLABLE = { tabIndex: 0, role: 'region', 'aria-label': STRINGS.title } as const;

/** What a person sees and changes of the own account. */
export function Account() {
  const me = useMe();
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <PageBar>
        <h1 className="ps-2 font-medium text-sm">{STRINGS.title}</h1>
      </PageBar>
      <div className="scroller min-h-0 flex-1" {...SCROLLABLE}>
        <div className="mx-auto flex max-w-[56rem] flex-col p-4 pb-10 md:p-6">
          {me.data === undefined ? (
            me.error === undefined ? (
              <ListSkeleton />
            ) : (
              <Failure error={me.error} onRetry={() => void me.mutate()} />
            )
          ) : (
            <Sections me={me.data} onChange={() => void me.mutate()} />
          )}
        </div>
      </div>
    </div>
  );
}

function Sections({ me, onChange }: { me: Me; onChange: () => void }) {
  const { user, limits, share, has_password: hasPassword, provider } = me;
  // A key of the settings is no person: it makes no keys, and has no list of sessions.
  const isPerson = me.auth === 'accounts' && hasPassword !== null;
  return (
    <>
      <Person user={user} />
      {share !== null && share > 1 ? (
        <Notice kind="warn" className="mb-6">
          {PEOPLE_STRINGS.limits.overShare(formatPercent(share))}
        </Notice>
      ) : null}
      <UsageSection />
      <Section id="limits" title={STRINGS.limits.title} hint={limits.length === 0 ? undefined : STRINGS.limits.hint}>
        {limits.length === 0 ? (
          <p className="text-ink-3 text-sm">{STRINGS.limits.empty}</p>
        ) : (
          <LimitBars limits={limits} />
        )}
      </Section>
      {isPerson ? (
        <>
          <KeysSection scopes={me.scopes} limits={limits} />
          <SessionsSection />
          {hasPassword === true ? (
            <>
              <PasswordSection email={user.email} />
              <TwoFactorSection />
            </>
          ) : null}
          {provider == null ? null : (
            <ProviderSection
              name={provider.name}
              isLinked={provider.linked}
              hasPassword={hasPassword !== false}
              onChange={onChange}
            />
          )}
          <ChangesSection />
          <DataSection email={user.email} hasPassword={hasPassword !== false} />
        </>
      ) : null}
    </>
  );
}

function Person({ user: { name, email, role, group } }: Pick<Me, 'user'>) {
  const roleName = PEOPLE_STRINGS.role(role);
  return (
    <div className="mb-6 min-w-0 [overflow-wrap:anywhere]">
      <p className="font-semibold text-xl">{name}</p>
      {email === null ? null : <p className="text-ink-2 text-sm">{email}</p>}
      <p className="text-ink-2 text-sm">{group === null ? roleName : STRINGS.inGroup(roleName, group.name)}</p>
    </div>
  );
}
