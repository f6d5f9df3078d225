'use client';

import { useEffect, useState } from 'react';
import { Failure } from '#components/people/failure';
import { CheckboxField, TextField } from '#components/people/field';
import { PasswordField } from '#components/people/password-field';
import { PageLink } from '#components/shell/page-link';
import { TwoFactorForm } from '#components/sign-in/two-factor-form';
import { Button, buttonClasses } from '#components/ui/button';
import { Notice } from '#components/ui/notice';
import { PEOPLE_STRINGS } from '../people/strings.ts';
import { useSubmit } from '../people/use-submit.ts';
import { pageAfterSignIn } from './page-after-sign-in.ts';
import { providerUrl, signInByEmail } from './sign-in-api.ts';
import type { SignInOptions } from './sign-in-options.ts';
import { SIGN_IN_STRINGS } from './strings.ts';

const { accounts: STRINGS } = SIGN_IN_STRINGS;

/** Signing in with an e-mail address and a password, a second factor, or the organisation's page. */
export function EmailSignIn({ provider, signUp }: Pick<SignInOptions, 'provider' | 'signUp'>) {
  const [step, setStep] = useState<'password' | 'code'>('password');
  if (step === 'code') return <TwoFactorForm onBack={() => setStep('password')} onDone={openNextPage} />;
  return (
    <>
      {provider === undefined ? null : <ProviderButton provider={provider} />}
      <PasswordForm onDone={openNextPage} onCode={() => setStep('code')} />
      <div className="mt-5 flex flex-col items-start gap-2 text-ink-2 text-xs">
        {signUp === 'open' ? (
          <PageLink href="/join" className={buttonClasses('secondary', 'md')}>
            {STRINGS.signUp}
          </PageLink>
        ) : (
          <p>{STRINGS.needsAccount}</p>
        )}
        <p>{STRINGS.forgot}</p>
      </div>
    </>
  );
}

/** Loads the document: all pages show what they know of the person. */
function openNextPage(): void {
  window.location.assign(pageAfterSignIn(window.location));
}

function PasswordForm({ onDone, onCode }: { onDone: () => void; onCode: () => void }) {
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const [remember, setRemember] = useState(true);
  const { isBusy, error, submit } = useSubmit(async () => {
    const outcome = await signInByEmail({ email: email.trim(), password }, remember);
    if (outcome === 'two_factor') onCode();
    else onDone();
  });
  return (
    <form onSubmit={submit} className="mt-2 flex flex-col gap-4">
      <p className="text-ink-2 text-sm">{STRINGS.hint}</p>
      <TextField
        label={PEOPLE_STRINGS.email}
        type="email"
        name="email"
        autoComplete="username"
        required
        maxLength={254}
        value={email}
        onChange={setEmail}
      />
      <PasswordField
        label={PEOPLE_STRINGS.password}
        name="password"
        autoComplete="current-password"
        value={password}
        onChange={setPassword}
      />
      <CheckboxField label={STRINGS.remember} checked={remember} onChange={setRemember} />
      {error === undefined ? null : <Failure error={error} />}
      <Button type="submit" kind="primary" disabled={isBusy} className="h-10">
        {isBusy ? SIGN_IN_STRINGS.signingIn : SIGN_IN_STRINGS.signIn}
      </Button>
    </form>
  );
}

function ProviderButton({ provider }: { provider: { id: string; name: string } }) {
  const [wasRefused, setRefused] = useState(false);
  useEffect(() => setRefused(new URLSearchParams(window.location.search).has('error')), []);
  const { isBusy, error, submit } = useSubmit(async () => {
    setRefused(false);
    const url = await providerUrl(provider.id, pageAfterSignIn(window.location));
    if (url === undefined) setRefused(true);
    else window.location.assign(url);
  });
  return (
    <div className="mt-4 flex flex-col gap-4">
      <Button kind="primary" disabled={isBusy} onClick={() => submit()} className="h-10 min-w-0">
        <span className="truncate">{STRINGS.withProvider(provider.name)}</span>
      </Button>
      {wasRefused ? <Notice kind="error">{STRINGS.providerFailed}</Notice> : null}
      {error === undefined ? null : <Failure error={error} />}
      <p className="flex items-center gap-3 text-ink-3 text-xs before:flex-1 before:border-t after:flex-1 after:border-t">
        {STRINGS.or}
      </p>
    </div>
  );
}
