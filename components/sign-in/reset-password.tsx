'use client';

import { useEffect, useState } from 'react';
import { FormSubmit } from '#components/people/form-submit';
import { PasswordField } from '#components/people/password-field';
import { DeadLink } from '#components/sign-in/dead-link';
import { EntryFrame } from '#components/sign-in/entry-frame';
import { ApiError } from '#lib/browser/api-client';
import { PEOPLE_STRINGS } from '../people/strings.ts';
import { useSubmit } from '../people/use-submit.ts';
import { forgetToken, takeToken } from './link-token.ts';
import { resetPassword } from './sign-in-api.ts';
import { SIGN_IN_STRINGS } from './strings.ts';

const { reset: STRINGS } = SIGN_IN_STRINGS;
const PAGE = 'reset-password';

/** The page of a reset link, which a person has by mail or from an administrator. */
export function ResetPassword({ sendsMail }: { sendsMail: boolean }) {
  const [token, setToken] = useState<string>();
  const [state, setState] = useState<'open' | 'dead' | 'done'>('open');
  const [password, setPassword] = useState('');
  useEffect(() => {
    const found = takeToken(PAGE);
    setToken(found);
    if (found === undefined) setState('dead');
  }, []);
  const { isBusy, error, submit } = useSubmit(async () => {
    if (token === undefined) return setState('dead');
    try {
      await resetPassword(token, password);
      setState('done');
    } catch (failure) {
      if (!(failure instanceof ApiError) || failure.code !== 'INVALID_TOKEN') throw failure;
      setState('dead');
    }
    forgetToken(PAGE);
  });
  if (state === 'done')
    return (
      <EntryFrame title={STRINGS.doneTitle}>
        <DeadLink sentence={STRINGS.done} />
      </EntryFrame>
    );
  if (state === 'dead')
    return (
      <EntryFrame title={STRINGS.deadTitle}>
        {sendsMail ? (
          <DeadLink sentence={STRINGS.deadWithMail} next={{ href: '/forgot-password', label: STRINGS.newLink }} />
        ) : (
          <DeadLink sentence={STRINGS.dead} />
        )}
      </EntryFrame>
    );
  return (
    <EntryFrame title={STRINGS.title}>
      <form onSubmit={submit} className="mt-2 flex flex-col gap-4">
        <p className="text-ink-2 text-sm">{STRINGS.hint}</p>
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
