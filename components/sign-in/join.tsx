'use client';

import { useCallback, useEffect, useState } from 'react';
import { Failure } from '#components/people/failure';
import { PageLink } from '#components/shell/page-link';
import { DeadLink } from '#components/sign-in/dead-link';
import { EntryFrame } from '#components/sign-in/entry-frame';
import { PersonForm } from '#components/sign-in/person-form';
import { ProviderButton } from '#components/sign-in/provider-button';
import { buttonClasses } from '#components/ui/button';
import { ApiError } from '#lib/browser/api-client';
import { formatDateTime } from '#lib/browser/format-date';
import type { SignInOptions } from '#lib/browser/sign-in-options';
import type { NewPerson } from '#lib/wire/accounts';
import type { OpenInvitation } from '#lib/wire/people';
import { PEOPLE_STRINGS } from '../people/strings.ts';
import { forgetToken, takeToken } from './link-token.ts';
import { fetchInvitation, join } from './sign-in-api.ts';
import { SIGN_IN_STRINGS } from './strings.ts';

const { join: STRINGS } = SIGN_IN_STRINGS;
const PAGE = 'join';

type State =
  | { name: 'loading' | 'dead' | 'no_token' | 'open' }
  | { name: 'invited'; token: string; invitation: OpenInvitation }
  | { name: 'failed'; error: unknown };

/** The page of an invitation. Without a token it is for servers that anyone may join. */
export function Join({ signUp, provider }: Pick<SignInOptions, 'signUp' | 'provider'>) {
  const [state, setState] = useState<State>({ name: 'loading' });
  const look = useCallback(async () => {
    setState({ name: 'loading' });
    const token = takeToken(PAGE);
    if (token === undefined) return setState({ name: signUp === 'open' ? 'open' : 'no_token' });
    try {
      setState({ name: 'invited', token, invitation: await fetchInvitation(token) });
    } catch (error) {
      if (!isDead(error)) return setState({ name: 'failed', error });
      forgetToken(PAGE);
      setState({ name: 'dead' });
    }
  }, [signUp]);
  useEffect(() => void look(), [look]);
  const create = async (token: string | undefined, person: NewPerson) => {
    try {
      await join(token, person);
    } catch (error) {
      if (!isDead(error)) throw error;
      return setState({ name: 'dead' });
    }
    forgetToken(PAGE);
    window.location.assign('/');
  };
  switch (state.name) {
    case 'loading':
      return (
        <EntryFrame title={STRINGS.title}>
          <p role="status" className="mt-2 text-ink-2 text-sm">
            {STRINGS.loading}
          </p>
          <div aria-hidden className="skeleton mt-4 h-72 rounded-md!" />
        </EntryFrame>
      );
    case 'failed':
      return (
        <EntryFrame title={STRINGS.title}>
          <Failure className="mt-4" error={state.error} onRetry={() => void look()} />
        </EntryFrame>
      );
    case 'dead':
      return (
        <EntryFrame title={STRINGS.deadTitle}>
          <DeadLink sentence={STRINGS.dead} />
        </EntryFrame>
      );
    case 'no_token':
      return (
        <EntryFrame title={signUp === 'closed' ? STRINGS.closedTitle : STRINGS.title}>
          <DeadLink sentence={signUp === 'closed' ? STRINGS.closed : STRINGS.noToken} />
        </EntryFrame>
      );
    case 'open':
      return (
        <EntryFrame title={STRINGS.openTitle}>
          <p className="mt-2 text-ink-2 text-sm">{STRINGS.openHint}</p>
          <NewAccount provider={provider} onSubmit={(person) => create(undefined, person)} />
        </EntryFrame>
      );
    case 'invited':
      return (
        <EntryFrame title={STRINGS.title}>
          <InvitationText invitation={state.invitation} />
          <NewAccount
            provider={provider}
            token={state.token}
            email={state.invitation.email}
            onSubmit={(person) => create(state.token, person)}
          />
        </EntryFrame>
      );
  }
}

function InvitationText({ invitation: { role, group, expires_at: expiresAt } }: { invitation: OpenInvitation }) {
  return (
    <p className="mt-2 text-ink-2 text-sm [overflow-wrap:anywhere]">
      {STRINGS.invited(PEOPLE_STRINGS.role(role).toLowerCase(), group?.name)}{' '}
      {STRINGS.expires(formatDateTime(expiresAt))}
    </p>
  );
}

interface NewAccountProps extends Pick<SignInOptions, 'provider'> {
  token?: string;
  email?: string | null;
  onSubmit: (person: NewPerson) => Promise<void>;
}

/** Through the organisation, or with a name, an address and a password. */
function NewAccount({ provider, token, email, onSubmit }: NewAccountProps) {
  return (
    <>
      {provider === undefined ? null : (
        <ProviderButton
          provider={provider}
          label={SIGN_IN_STRINGS.accounts.joinWithProvider(provider.name)}
          page={() => '/'}
          invitation={token}
        />
      )}
      <PersonForm
        action={STRINGS.create}
        busyAction={STRINGS.creating}
        email={email}
        emailHint={STRINGS.emailFixed}
        onSubmit={onSubmit}
      >
        <PageLink href="/sign-in" className={buttonClasses('quiet', 'md')}>
          {STRINGS.haveAccount}
        </PageLink>
      </PersonForm>
    </>
  );
}

/** Whether the invitation itself is why it failed: used up, expired, withdrawn, or wrong. */
function isDead(error: unknown): boolean {
  return error instanceof ApiError && error.data.reason === 'invitation';
}
