'use client';

import { useState } from 'react';
import useSWR from 'swr';
import { EmailField } from '#components/people/email-field';
import { CheckboxField } from '#components/people/field';
import { FormSubmit } from '#components/people/form-submit';
import { PasswordField } from '#components/people/password-field';
import { PageLink } from '#components/shell/page-link';
import { ProviderButton } from '#components/sign-in/provider-button';
import { TwoFactorForm } from '#components/sign-in/two-factor-form';
import { buttonClasses } from '#components/ui/button';
import { Notice } from '#components/ui/notice';
import type { SignInOptions } from '#lib/browser/sign-in-options';
import { PEOPLE_STRINGS } from '../people/strings.ts';
import { useSubmit } from '../people/use-submit.ts';
import { pageAfterSignIn } from './page-after-sign-in.ts';
import { needsSetUp, signInByEmail } from './sign-in-api.ts';
import { SIGN_IN_STRINGS } from './strings.ts';

const { accounts: STRINGS } = SIGN_IN_STRINGS;

/** Signing in with an e-mail address and a password, a second factor, or a provider. */
export function EmailSignIn({ provider, signUp, sendsMail }: Pick<SignInOptions, 'provider' | 'signUp' | 'sendsMail'>) {
  const [step, setStep] = useState<'password' | 'code'>('password');
  if (step === 'code') return <TwoFactorForm onBack={() => setStep('password')} onDone={openNextPage} />;
  return (
    <>
      <SetUpNotice />
      {provider === undefined ? null : (
        <ProviderButton provider={provider} label={STRINGS.withProvider(provider.name)} page={nextPath} />
      )}
      <PasswordForm onDone={openNextPage} onCode={() => setStep('code')} />
      <div className="mt-5 flex flex-col items-start gap-2 text-ink-2 text-xs">
        {signUp === 'open' ? (
          <PageLink href="/join" className={buttonClasses('secondary', 'md')}>
            {STRINGS.signUp}
          </PageLink>
        ) : (
          <p>{STRINGS.needsAccount}</p>
        )}
        {sendsMail === true ? (
          <PageLink
            href="/forgot-password"
            className="flex min-h-6 items-center rounded-sm text-accent underline underline-offset-3 pointer-coarse:min-h-10"
          >
            {STRINGS.forgotLink}
          </PageLink>
        ) : (
          <p>{STRINGS.forgot}</p>
        )}
      </div>
    </>
  );
}

/** Loads the document: all pages show what they know of the person. */
function openNextPage(): void {
  window.location.assign(pageAfterSignIn(window.location));
}

/** As `openNextPage`, for a sign-in at the provider. */
function nextPath(): string {
  const { pathname, search, hash } = new URL(pageAfterSignIn(window.location));
  return pathname + search + hash;
}

/** Before there is an administrator, no one can sign in. */
function SetUpNotice() {
  const { data } = useSWR('set-up', needsSetUp, { revalidateOnFocus: false });
  if (data !== true) return null;
  return (
    <Notice kind="warn" className="mt-4">
      {STRINGS.setUpFirst}
    </Notice>
  );
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
      <EmailField value={email} onChange={setEmail} />
      <PasswordField
        label={PEOPLE_STRINGS.password}
        name="password"
        autoComplete="current-password"
        value={password}
        onChange={setPassword}
      />
      <CheckboxField label={STRINGS.remember} checked={remember} onChange={setRemember} />
      <FormSubmit
        action={SIGN_IN_STRINGS.signIn}
        busyAction={SIGN_IN_STRINGS.signingIn}
        isBusy={isBusy}
        error={error}
        place="wide"
      />
    </form>
  );
}
