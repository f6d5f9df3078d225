'use client';

import { useState } from 'react';
import { CheckboxField, TextField } from '#components/people/field';
import { FormSubmit } from '#components/people/form-submit';
import { Button } from '#components/ui/button';
import { useSubmit } from '../people/use-submit.ts';
import { verifyCode } from './sign-in-api.ts';
import { SIGN_IN_STRINGS } from './strings.ts';

const { twoFactor: STRINGS } = SIGN_IN_STRINGS;

interface TwoFactorFormProps {
  onBack: () => void;
  onDone: () => void;
}

/** The code of an authenticator app, or one of the recovery codes. */
export function TwoFactorForm({ onBack, onDone }: TwoFactorFormProps) {
  const [kind, setKind] = useState<'app' | 'recovery'>('app');
  const [code, setCode] = useState('');
  const [trust, setTrust] = useState(false);
  const isApp = kind === 'app';
  const { isBusy, error, submit, reset } = useSubmit(async () => {
    await verifyCode(isApp ? code.replaceAll(/\s/g, '') : code.trim(), kind, trust);
    onDone();
  });
  const change = () => {
    setKind(isApp ? 'recovery' : 'app');
    setCode('');
    reset();
  };
  return (
    <form onSubmit={submit} className="mt-2 flex flex-col gap-4">
      <p className="text-ink-2 text-sm">{isApp ? STRINGS.hint : STRINGS.recoveryHint}</p>
      <TextField
        key={kind}
        label={isApp ? STRINGS.code : STRINGS.recoveryCode}
        name="code"
        autoComplete={isApp ? 'one-time-code' : 'off'}
        inputMode={isApp ? 'numeric' : 'text'}
        // The form has replaced the one with the focus.
        ref={focus}
        required
        maxLength={40}
        spellCheck={false}
        value={code}
        onChange={setCode}
        className="font-mono"
      />
      <CheckboxField label={STRINGS.trust} checked={trust} onChange={setTrust} />
      <FormSubmit action={STRINGS.verify} busyAction={STRINGS.verifying} isBusy={isBusy} error={error} place="wide" />
      <div className="-mx-3 flex flex-wrap justify-between gap-2">
        <Button kind="quiet" onClick={onBack}>
          {STRINGS.back}
        </Button>
        <Button kind="quiet" onClick={change}>
          {isApp ? STRINGS.useRecovery : STRINGS.useApp}
        </Button>
      </div>
      <p className="text-ink-3 text-xs">{STRINGS.lost}</p>
    </form>
  );
}

function focus(field: HTMLInputElement | null): void {
  field?.focus();
}
