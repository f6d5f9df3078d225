'use client';

import { type FormEvent, type ReactNode, useEffect, useId, useState } from 'react';
import { DeleteOnSignOut } from '#components/shell/delete-on-sign-out';
import { PageLink } from '#components/shell/page-link';
import { EmailSignIn } from '#components/sign-in/email-sign-in';
import { EntryFrame } from '#components/sign-in/entry-frame';
import { Button, buttonClasses } from '#components/ui/button';
import { ErrorText } from '#components/ui/error-text';
import { Notice } from '#components/ui/notice';
import { ApiError, jsonBody, request, requestJson } from '#lib/browser/api-client';
import { API_BASE } from '#lib/browser/endpoints';
import { isSession } from '#lib/browser/response-guards';
import type { SignInOptions } from '#lib/browser/sign-in-options';
import { signOut } from '../shell/account.ts';
import { deleteBrowserData } from '../shell/browser-data.ts';
import { takeDeletionRequest } from '../shell/deletion-request.ts';
import { SHELL_STRINGS } from '../shell/strings.ts';
import { leadsToPage, pageAfterSignIn } from './page-after-sign-in.ts';
import { SIGN_IN_STRINGS as STRINGS } from './strings.ts';

/** The page that a server with keys or accounts shows without one. */
export function SignIn({ signedIn: wasSignedIn, options }: { signedIn: boolean; options: SignInOptions }) {
  const [signedIn, setSignedIn] = useState(wasSignedIn);
  useEffect(() => {
    if (wasSignedIn) return;
    hasSession()
      .then((isThere) => {
        if (!isThere) return;
        if (leadsToPage(window.location)) goOn();
        else setSignedIn(true);
      })
      .catch(ignore);
  }, [wasSignedIn]);
  return (
    <EntryFrame title={signedIn ? STRINGS.signedIn : STRINGS.signIn}>
      {signedIn ? <Welcome /> : options.mode === 'keys' ? <SignInForm /> : <EmailSignIn {...options} />}
      <Deletion />
    </EntryFrame>
  );
}

/**
 * Whether this browser has a session. Browsers send its cookie with no navigation from another
 * site (`SameSite=Strict`), so the server could not know; a request of this page has it.
 */
async function hasSession(): Promise<boolean> {
  const session = await requestJson(isSession, `${API_BASE}/api/session`);
  return session.needed && session.signed_in;
}

const WENT_ON_KEY = 'went-on';
/** A page that leads back here this soon was refused: asking again would not end. */
const RETURN_MS = 5_000;

function goOn(): void {
  const now = Date.now();
  if (now - Number(sessionStorage.getItem(WENT_ON_KEY)) < RETURN_MS) return;
  sessionStorage.setItem(WENT_ON_KEY, String(now));
  window.location.replace(pageAfterSignIn(window.location));
}

/** The form is there all the same. */
function ignore(): void {}

/** Deletes what the browser keeps if the user signed out that way, and says so. */
function Deletion() {
  const [state, setState] = useState<'none' | 'deleting' | 'deleted' | 'failed'>('none');
  useEffect(() => {
    if (!takeDeletionRequest(Date.now())) return;
    setState('deleting');
    deleteBrowserData().then(
      () => setState('deleted'),
      () => setState('failed'),
    );
  }, []);
  if (state === 'failed')
    return (
      <Notice kind="error" className="mt-4">
        {STRINGS.deletionFailed}
      </Notice>
    );
  return (
    <p role="status" className="mt-4 text-ink-2 text-sm">
      {state === 'none' ? '' : STRINGS[state]}
    </p>
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
  const [isDeleting, setDeleting] = useState(false);
  return (
    <div className="mt-2 flex flex-col items-start gap-4">
      <p className="text-ink-2 text-sm">{STRINGS.signedInHint}</p>
      <div className="flex flex-wrap gap-2">
        <PageLink href="/" className={buttonClasses('primary', 'md')}>
          {STRINGS.goToChat}
        </PageLink>
        <Button onClick={() => void signOut()}>{STRINGS.signOut}</Button>
        <Button kind="quiet" onClick={() => setDeleting(true)}>
          {SHELL_STRINGS.signOutAndDelete}
        </Button>
        <DeleteOnSignOut open={isDeleting} onOpenChange={setDeleting} />
      </div>
    </div>
  );
}
