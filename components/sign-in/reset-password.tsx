'use client';

import { useCallback, useEffect, useState } from 'react';
import { Failure } from '#components/people/failure';
import { FormSubmit } from '#components/people/form-submit';
import { PasswordField } from '#components/people/password-field';
import { DeadLink } from '#components/sign-in/dead-link';
import { EntryFrame } from '#components/sign-in/entry-frame';
import { ApiError } from '#lib/browser/api-client';
import { formatDateTime } from '#lib/browser/format-date';
import { PEOPLE_STRINGS } from '../people/strings.ts';
import { useSubmit } from '../people/use-submit.ts';
import { forgetToken, takeToken } from './link-token.ts';
import { fetchResetLink, resetPassword } from './sign-in-api.ts';
import { SIGN_IN_STRINGS } from './strings.ts';

const { reset: STRINGS } = SIGN_IN_STRINGS;
const PAGE = 'reset-password';

type State =
  | { name: 'loading' | 'dead' | 'done' }
  | { name: 'open'; token: string; expiresAt: string }
  | { name: 'failed'; error: unknown };

/**
 * The page of a reset link, which a person has by mail or from an administrator. The link is
 * checked first: one that is dead says so before a password is thought of.
 */
export function ResetPassword({ sendsMail }: { sendsMail: boolean }) {
  const [state, setState] = useState<State>({ name: 'loading' });
  const look = useCallback(async () => {
    setState({ name: 'loading' });
    const token = takeToken(PAGE);
    if (token === undefined || token === '') return setState({ name: 'dead' });
    try {
      const { expires_at: expiresAt } = await fetchResetLink(token);
      setState({ name: 'open', token, expiresAt });
    } catch (error) {
      if (!isDead(error)) return setState({ name: 'failed', error });
      forgetToken(PAGE);
      setState({ name: 'dead' });
    }
  }, []);
  useEffect(() => void look(), [look]);
  switch (state.name) {
    case 'loading':
      return (
        <EntryFrame title={STRINGS.title}>
          <p role="status" className="mt-2 text-ink-2 text-sm">
            {STRINGS.loading}
          </p>
          <div aria-hidden className="skeleton mt-4 h-32 rounded-md!" />
        </EntryFrame>
      );
    case 'failed':
      return (
        <EntryFrame title={STRINGS.title}>
          <Failure className="mt-4" error={state.error} onRetry={() => void look()} />
        </EntryFrame>
      );
    case 'done':
      return (
        <EntryFrame title={STRINGS.doneTitle}>
          <DeadLink sentence={STRINGS.done} />
        </EntryFrame>
      );
    case 'dead':
      return (
        <EntryFrame title={STRINGS.deadTitle}>
          {sendsMail ? (
            <DeadLink sentence={STRINGS.deadWithMail} next={{ href: '/forgot-password', label: STRINGS.newLink }} />
          ) : (
            <DeadLink sentence={STRINGS.dead} />
          )}
        </EntryFrame>
      );
    case 'open':
      return (
        <NewPassword
          token={state.token}
          expiresAt={state.expiresAt}
          onEnd={(name) => {
            forgetToken(PAGE);
            setState({ name });
          }}
        />
      );
  }
}

interface NewPasswordProps {
  token: string;
  expiresAt: string;
  /** The link was used up, now or before. */
  onEnd: (state: 'done' | 'dead') => void;
}

function NewPassword({ token, expiresAt, onEnd }: NewPasswordProps) {
  const [password, setPassword] = useState('');
  const { isBusy, error, submit } = useSubmit(async () => {
    try {
      await resetPassword(token, password);
    } catch (failure) {
      if (!isDead(failure)) throw failure;
      return onEnd('dead');
    }
    onEnd('done');
  });
  return (
    <EntryFrame title={STRINGS.title}>
      <form onSubmit={submit} className="mt-2 flex flex-col gap-4">
        <p className="text-ink-2 text-sm">
          {STRINGS.hint} {STRINGS.expires(formatDateTime(expiresAt))}
        </p>
        <PasswordField
          label={PEOPLE_STRINGS.newPassword}
          name="new-password"
          autoComplete="new-password"
          value={password}
          onChange={setPassword}
        />
        <FormSubmit action={STRINGS.save} busyAction={STRINGS.saving} isBusy={isBusy} error={error} place="wide" />
      </form>
    </EntryFrame>
  );
}

/** Whether the link itself is why it failed: used, expired, or cut off on its way. */
function isDead(error: unknown): boolean {
  return error instanceof ApiError && (error.code === 'INVALID_TOKEN' || error.data.reason === 'reset_link');
}
