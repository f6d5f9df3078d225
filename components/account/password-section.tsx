'use client';

import { useState } from 'react';
import { useSWRConfig } from 'swr';
import { FormSubmit } from '#components/people/form-submit';
import { PasswordField } from '#components/people/password-field';
import { Section } from '#components/people/section';
import { showToast } from '#lib/browser/toasts';
import { PEOPLE_STRINGS } from '../people/strings.ts';
import { useSubmit } from '../people/use-submit.ts';
import { changePassword } from './account-api.ts';
import { ACCOUNT_STRINGS } from './strings.ts';

const { password: STRINGS } = ACCOUNT_STRINGS;

/** Changes the password, and signs other browsers out. */
export function PasswordSection({ email }: { email: string | null }) {
  const [current, setCurrent] = useState('');
  const [next, setNext] = useState('');
  const { mutate } = useSWRConfig();
  const { isBusy, error, submit } = useSubmit(async () => {
    await changePassword(current, next);
    setCurrent('');
    setNext('');
    showToast({ text: STRINGS.changed });
    await mutate('sessions');
  });
  return (
    <Section id="password" title={STRINGS.title} hint={STRINGS.hint}>
      <form onSubmit={submit} className="flex max-w-90 flex-col gap-4">
        {/* A password manager stores the new password under it. */}
        <input
          type="email"
          name="email"
          autoComplete="username"
          value={email ?? ''}
          readOnly
          hidden
          aria-hidden
          tabIndex={-1}
        />
        <PasswordField
          label={STRINGS.current}
          name="current-password"
          autoComplete="current-password"
          value={current}
          onChange={setCurrent}
        />
        <PasswordField
          label={PEOPLE_STRINGS.newPassword}
          name="new-password"
          autoComplete="new-password"
          value={next}
          onChange={setNext}
        />
        <FormSubmit
          action={STRINGS.change}
          busyAction={STRINGS.changing}
          isBusy={isBusy}
          error={error}
          kind="secondary"
          place="start"
        />
      </form>
    </Section>
  );
}
