'use client';

import { useState } from 'react';
import { FormSubmit } from '#components/people/form-submit';
import { PasswordField } from '#components/people/password-field';
import { useSubmit } from '../people/use-submit.ts';
import { ACCOUNT_STRINGS } from './strings.ts';

const { twoFactor: STRINGS } = ACCOUNT_STRINGS;

interface PasswordStepProps {
  action: string;
  busyAction: string;
  onPassword: (password: string) => Promise<void>;
}

/** Asks for the password before a change that someone at an unlocked computer must not make. */
export function PasswordStep({ action, busyAction, onPassword }: PasswordStepProps) {
  const [password, setPassword] = useState('');
  const { isBusy, error, submit } = useSubmit(() => onPassword(password));
  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      <p className="text-ink-2">{STRINGS.passwordHint}</p>
      <PasswordField
        label={STRINGS.password}
        name="current-password"
        autoComplete="current-password"
        value={password}
        onChange={setPassword}
      />
      <FormSubmit action={action} busyAction={busyAction} isBusy={isBusy} error={error} />
    </form>
  );
}
