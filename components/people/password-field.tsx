'use client';

import clsx from 'clsx';
import { Eye, EyeOff } from 'lucide-react';
import { type ComponentProps, useState } from 'react';
import { FIELD_INPUT, Field } from '#components/people/field';
import { IconButton } from '#components/ui/icon-button';
import { PEOPLE_STRINGS as STRINGS } from './strings.ts';

/** The least length that the server accepts, and its longest. */
export const PASSWORD_LENGTH = { least: 10, most: 128 } as const;

interface PasswordFieldProps extends Omit<ComponentProps<'input'>, 'onChange' | 'value' | 'id' | 'type'> {
  label: string;
  /** `new-password` also says how long it has to be. */
  autoComplete: 'current-password' | 'new-password';
  error?: string | undefined;
  value: string;
  onChange: (value: string) => void;
}

/** A password, which a button shows. */
export function PasswordField({ label, error, value, onChange, className, ...input }: PasswordFieldProps) {
  const [isShown, setShown] = useState(false);
  const isNew = input.autoComplete === 'new-password';
  const Icon = isShown ? EyeOff : Eye;
  return (
    <Field label={label} error={error} hint={isNew ? STRINGS.passwordHint(PASSWORD_LENGTH.least) : undefined}>
      {(props) => (
        <span className="relative flex">
          <input
            required
            maxLength={PASSWORD_LENGTH.most}
            {...(isNew ? { minLength: PASSWORD_LENGTH.least } : {})}
            {...input}
            {...props}
            type={isShown ? 'text' : 'password'}
            spellCheck={false}
            autoCapitalize="off"
            value={value}
            onChange={(event) => onChange(event.target.value)}
            className={clsx(FIELD_INPUT, 'h-10 pe-11', className)}
          />
          <IconButton
            label={isShown ? STRINGS.hidePassword : STRINGS.showPassword}
            aria-pressed={isShown}
            onClick={() => setShown(!isShown)}
            className="absolute end-1 top-1 pointer-coarse:end-0 pointer-coarse:top-0"
          >
            <Icon className="size-4" aria-hidden />
          </IconButton>
        </span>
      )}
    </Field>
  );
}
