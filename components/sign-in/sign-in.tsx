'use client';

import { type FormEvent, type ReactNode, useId, useState } from 'react';
import { PageLink } from '#components/shell/page-link';
import { Button, buttonClasses } from '#components/ui/button';
import { ErrorText } from '#components/ui/error-text';
import { Notice } from '#components/ui/notice';
import { ApiError, jsonBody, request } from '#lib/browser/api-client';
import { API_BASE } from '#lib/browser/endpoints';
import { signOut } from '../shell/account.ts';
import { pageAfterSignIn } from './page-after-sign-in.ts';
import { SIGN_IN_STRINGS as STRINGS } from './strings.ts';

/** The only page that a server with keys shows without one. */
export function SignIn({ signedIn }: { signedIn: boolean }) {
  return (
    <div className="scroller flex flex-1 items-start justify-center px-4 pt-[min(14vh,8rem)] pb-8">
      <div className="w-full max-w-90">
        <h1 className="font-semibold text-xl">{signedIn ? STRINGS.signedIn : STRINGS.signIn}</h1>
        {signedIn ? <Welcome /> : <SignInForm />}
      </div>
    </div>
  );
}

function SignInForm() {
  const [key, setKey] = useState('');
  const [problem, setProblem] = useState<ReactNode>();
  const [busy, setBusy] = useState(false);
  const field = useId();

  async function signIn(event: FormEvent) {
    event.preventDefault();
    setBusy(true);
    setProblem(undefined);
    try {
      await request(`${API_BASE}/api/session`, jsonBody({ key }));
      window.location.assign(pageAfterSignIn(window.location));
    } catch (error) {
      setProblem(describeFailure(error));
      setBusy(false);
    }
  }

  return (
    <form onSubmit={(event) => void signIn(event)} className="mt-2 flex flex-col gap-4">
      <p className="text-ink-2 text-sm">{STRINGS.hint}</p>
      <div className="flex flex-col gap-1.5">
        <label htmlFor={field} className="font-medium text-sm">
          {STRINGS.key}
        </label>
        <input
          id={field}
          type="password"
          autoComplete="current-password"
          required
          value={key}
          onChange={(event) => setKey(event.target.value)}
          className="h-10 rounded-md border border-line-strong bg-surface px-3 font-mono text-sm"
        />
      </div>
      {problem !== undefined && <Notice kind="error">{problem}</Notice>}
      <Button type="submit" kind="primary" disabled={busy} className="h-10">
        {busy ? STRINGS.signingIn : STRINGS.signIn}
      </Button>
    </form>
  );
}

function describeFailure(error: unknown): ReactNode {
  if (!(error instanceof ApiError)) return STRINGS.failed;
  return error.code === 'unauthorized' ? STRINGS.wrongKey : <ErrorText error={error} />;
}

function Welcome() {
  return (
    <div className="mt-2 flex flex-col items-start gap-4">
      <p className="text-ink-2 text-sm">{STRINGS.signedInHint}</p>
      <div className="flex flex-wrap gap-2">
        <PageLink href="/" className={buttonClasses('primary', 'md')}>
          {STRINGS.goToChat}
        </PageLink>
        <Button onClick={() => void signOut()}>{STRINGS.signOut}</Button>
      </div>
    </div>
  );
}
