'use client';

import { type FormEvent, useId, useState } from 'react';
import useSWR from 'swr';
import { PageLink } from '#components/shell/page-link';
import { Button, buttonClasses } from '#components/ui/button';
import { Notice } from '#components/ui/notice';
import { ApiError, jsonBody, request, requestJson } from '#lib/browser/api-client';
import { API_BASE } from '#lib/browser/endpoints';
import { hasShape } from '#lib/browser/type-guards';
import { pageAfterSignIn } from './page-after-sign-in.ts';

const SESSION_URL = `${API_BASE}/api/session`;
const isSession = hasShape<{ needed: boolean; signed_in: boolean }>({ needed: 'boolean', signed_in: 'boolean' });

/** The only page that a server with keys shows without one. */
export function SignIn() {
  const session = useSWR(SESSION_URL, (url) => requestJson(isSession, url));
  const [key, setKey] = useState('');
  const [problem, setProblem] = useState<string>();
  const [busy, setBusy] = useState(false);
  const field = useId();

  async function signIn(event: FormEvent) {
    event.preventDefault();
    setBusy(true);
    setProblem(undefined);
    try {
      await request(SESSION_URL, jsonBody({ key }));
      window.location.assign(pageAfterSignIn(window.location));
    } catch (error) {
      setProblem(error instanceof ApiError ? error.message : 'Signing in failed. Try again.');
      setBusy(false);
    }
  }

  async function signOut() {
    await request(SESSION_URL, { method: 'DELETE' });
    await session.mutate();
  }

  const signedIn = session.data?.signed_in === true;
  return (
    <div className="flex flex-1 items-start justify-center overflow-y-auto px-4 pt-[14vh] pb-8">
      <div className="w-full max-w-90">
        <h1 className="font-semibold text-xl">{signedIn ? 'You are signed in' : 'Sign in'}</h1>
        {signedIn ? (
          <Welcome needed={session.data?.needed === true} onSignOut={() => void signOut()} />
        ) : (
          <form onSubmit={(event) => void signIn(event)} className="mt-2 flex flex-col gap-4">
            <p className="text-ink-2 text-sm">This server asks for a key. Whoever runs it can give you one.</p>
            <div className="flex flex-col gap-1.5">
              <label htmlFor={field} className="font-medium text-sm">
                Key
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
              {busy ? 'Signing in…' : 'Sign in'}
            </Button>
          </form>
        )}
      </div>
    </div>
  );
}

function Welcome({ needed, onSignOut }: { needed: boolean; onSignOut: () => void }) {
  return (
    <div className="mt-2 flex flex-col items-start gap-4">
      <p className="text-ink-2 text-sm">
        {needed ? 'Your key is kept in a cookie of this browser.' : 'This server asks for no key.'}
      </p>
      <div className="flex flex-wrap gap-2">
        <PageLink href="/" className={buttonClasses('primary', 'md')}>
          Go to the chat
        </PageLink>
        {needed && <Button onClick={onSignOut}>Sign out</Button>}
      </div>
    </div>
  );
}
