'use client';

import { useState } from 'react';
import { PasswordStep } from '#components/account/password-step';
import { QrCode } from '#components/account/qr-code';
import { TextField } from '#components/people/field';
import { FormSubmit } from '#components/people/form-submit';
import { SecretText } from '#components/people/secret-text';
import { Button } from '#components/ui/button';
import { CopyButton } from '#components/ui/copy-button';
import { downloadText } from '#lib/browser/download';
import { PEOPLE_STRINGS } from '../people/strings.ts';
import { useSubmit } from '../people/use-submit.ts';
import { beginTwoFactor, confirmTwoFactor, secretOf, type TwoFactorSetup } from './account-api.ts';
import { ACCOUNT_STRINGS } from './strings.ts';

const { twoFactor: STRINGS } = ACCOUNT_STRINGS;

/** The steps: the password, the app with its first code, and the recovery codes. */
export function TwoFactorSetUp({ onDone }: { onDone: () => void }) {
  const [setup, setSetup] = useState<TwoFactorSetup>();
  const [isConfirmed, setConfirmed] = useState(false);
  if (setup === undefined)
    return (
      <PasswordStep
        action={STRINGS.next}
        busyAction={STRINGS.checking}
        onPassword={async (password) => setSetup(await beginTwoFactor(password))}
      />
    );
  if (!isConfirmed) return <AppStep setup={setup} onConfirmed={() => setConfirmed(true)} />;
  return <RecoveryStep codes={setup.recoveryCodes} onDone={onDone} />;
}

function AppStep({ setup: { uri }, onConfirmed }: { setup: TwoFactorSetup; onConfirmed: () => void }) {
  const [code, setCode] = useState('');
  const { isBusy, error, submit } = useSubmit(async () => {
    await confirmTwoFactor(code);
    onConfirmed();
  });
  const secret = secretOf(uri);
  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      <p className="text-ink-2">{STRINGS.scan}</p>
      <QrCode text={uri} label={STRINGS.qr} />
      <SecretText label={STRINGS.secret} text={secret} copyLabel={STRINGS.copySecret} />
      <a
        href={uri}
        className="flex min-h-6 w-fit items-center text-accent underline underline-offset-3 pointer-coarse:min-h-10"
      >
        {STRINGS.open}
      </a>
      <TextField
        label={STRINGS.code}
        name="code"
        autoComplete="one-time-code"
        inputMode="numeric"
        required
        maxLength={12}
        value={code}
        onChange={setCode}
        className="font-mono"
      />
      <FormSubmit action={STRINGS.confirm} busyAction={STRINGS.checking} isBusy={isBusy} error={error} />
    </form>
  );
}

function RecoveryStep({ codes, onDone }: { codes: readonly string[]; onDone: () => void }) {
  const text = codes.join('\n');
  return (
    <div className="flex flex-col gap-4">
      <div>
        <p className="font-medium">{STRINGS.recoveryTitle}</p>
        <p className="text-ink-2">{STRINGS.recovery}</p>
      </div>
      <div className="flex items-start gap-1 rounded-md border bg-sunken py-1 ps-3 pe-1">
        <ul aria-label={STRINGS.recoveryLabel} className="grid flex-1 grid-cols-2 gap-x-4 py-1.5 font-mono text-sm">
          {codes.map((code) => (
            <li key={code}>{code}</li>
          ))}
        </ul>
        <CopyButton text={text} label={STRINGS.copyRecovery} />
      </div>
      <div className="flex flex-wrap justify-end gap-2">
        <Button onClick={() => downloadText('recovery-codes.txt', `${text}\n`)}>{STRINGS.saveRecovery}</Button>
        <Button kind="primary" onClick={onDone}>
          {PEOPLE_STRINGS.done}
        </Button>
      </div>
    </div>
  );
}
