'use client';

import { usePathname } from 'next/navigation';
import { useEffect, useState } from 'react';
import { SignInButton } from '#components/shell/sign-in-button';
import { Notice } from '#components/ui/notice';
import { onServerSignal } from '#lib/browser/server-signals';
import { isSignedOut, useModels } from '#lib/browser/service-status';
import { SIGN_IN_PATH } from '#lib/browser/sign-in-url';
import { followSignOut } from './account.ts';
import { SHELL_STRINGS } from './strings.ts';

/**
 * Says on every page that the session has ended, and leads to the sign-in page and back. Hidden
 * again when a request succeeds, because the user has signed in elsewhere.
 */
export function SessionEnded() {
  const path = usePathname();
  const models = useModels();
  const [wasRefused, setRefused] = useState(false);
  const isUsable = models.data !== undefined && models.error === undefined;
  const { mutate } = models;
  useEffect(
    () =>
      onServerSignal((signal) => {
        if (signal === 'unauthorized') setRefused(true);
      }),
    [],
  );
  useEffect(followSignOut, []);
  // Once: if the models are refused too, that is another signal.
  useEffect(() => {
    if (wasRefused) void mutate();
  }, [wasRefused, mutate]);
  useEffect(() => {
    if (isUsable && !models.isValidating) setRefused(false);
  }, [isUsable, models.isValidating]);
  if (path === SIGN_IN_PATH || !(wasRefused || isSignedOut(models.error))) return null;
  return (
    <Notice kind="error" className="m-2 shrink-0 print:hidden" action={<SignInButton />}>
      {SHELL_STRINGS.sessionEnded} <span className="text-ink-2">{SHELL_STRINGS.draftsKept}</span>
    </Notice>
  );
}
