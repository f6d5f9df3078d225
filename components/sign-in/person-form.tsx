'use client';

import { type ReactNode, useState } from 'react';
import { EmailField } from '#components/people/email-field';
import { TextField } from '#components/people/field';
import { FormSubmit } from '#components/people/form-submit';
import { PasswordField } from '#components/people/password-field';
import type { NewPerson } from '#lib/wire/accounts';
import { PEOPLE_STRINGS } from '../people/strings.ts';
import { useSubmit } from '../people/use-submit.ts';

interface PersonFormProps {
  action: string;
  busyAction: string;
  /** The address that the invitation is for. */
  email?: string | null | undefined;
  emailHint?: string | undefined;
  onSubmit: (person: NewPerson) => Promise<void>;
  children?: ReactNode;
}

/** Name, e-mail address and password of a new account. */
export function PersonForm({ action, busyAction, email: fixed, emailHint, onSubmit, children }: PersonFormProps) {
  const [name, setName] = useState('');
  const [email, setEmail] = useState(fixed ?? '');
  const [password, setPassword] = useState('');
  const { isBusy, error, submit } = useSubmit(() => onSubmit({ name: name.trim(), email: email.trim(), password }));
  const isFixed = fixed != null;
  return (
    <form onSubmit={submit} className="mt-4 flex flex-col gap-4">
      <TextField
        label={PEOPLE_STRINGS.name}
        name="name"
        autoComplete="name"
        required
        maxLength={100}
        value={name}
        onChange={setName}
      />
      <EmailField hint={isFixed ? emailHint : undefined} readOnly={isFixed} value={email} onChange={setEmail} />
      <PasswordField
        label={PEOPLE_STRINGS.password}
        name="password"
        autoComplete="new-password"
        value={password}
        onChange={setPassword}
      />
      <FormSubmit action={action} busyAction={busyAction} isBusy={isBusy} error={error} place="wide" />
      {children}
    </form>
  );
}
