'use client';

import { useEffect, useState } from 'react';
import { DeadLink } from '#components/sign-in/dead-link';
import { EntryFrame } from '#components/sign-in/entry-frame';
import { PersonForm } from '#components/sign-in/person-form';
import { Notice } from '#components/ui/notice';
import { ApiError } from '#lib/browser/api-client';
import type { NewPerson } from '#lib/wire/accounts';
import { forgetToken, takeToken } from './link-token.ts';
import { needsSetUp, setUp } from './sign-in-api.ts';
import { SIGN_IN_STRINGS } from './strings.ts';

const { setup: STRINGS } = SIGN_IN_STRINGS;
const PAGE = 'setup';
/** What the first administrator wants next. */
const NEXT_PAGE = '/admin/invitations?new=1';

/** The page of the set-up link: makes the first account. */
export function Setup() {
  const [token, setToken] = useState<string>();
  const [state, setState] = useState<'open' | 'no_token' | 'used' | 'invalid'>('open');
  useEffect(() => {
    const found = takeToken(PAGE);
    setToken(found);
    if (found === undefined) return setState('no_token');
    // Whether the token itself is right is seen when it is used. So is what fails here.
    needsSetUp().then(
      (isNeeded) => {
        if (isNeeded) return;
        forgetToken(PAGE);
        setState('used');
      },
      () => undefined,
    );
  }, []);
  const create = async (person: NewPerson) => {
    if (token === undefined) return setState('no_token');
    try {
      await setUp(token, person);
    } catch (error) {
      const next = stateAfter(error);
      if (next === undefined) throw error;
      forgetToken(PAGE);
      return setState(next);
    }
    forgetToken(PAGE);
    window.location.assign(NEXT_PAGE);
  };
  if (state === 'used')
    return (
      <EntryFrame title={STRINGS.usedTitle}>
        <DeadLink sentence={STRINGS.used} />
      </EntryFrame>
    );
  if (state === 'invalid')
    return (
      <EntryFrame title={STRINGS.invalidTitle}>
        <DeadLink sentence={STRINGS.invalid} />
      </EntryFrame>
    );
  return (
    <EntryFrame title={STRINGS.title}>
      <p className="mt-2 text-ink-2 text-sm">{STRINGS.hint}</p>
      {state === 'no_token' ? (
        <Notice kind="warn" className="mt-4">
          {STRINGS.noToken}
        </Notice>
      ) : (
        <PersonForm action={STRINGS.create} busyAction={STRINGS.creating} onSubmit={create} />
      )}
    </EntryFrame>
  );
}

/** Undefined for a failure that another attempt may not have. */
function stateAfter(error: unknown): 'used' | 'invalid' | undefined {
  if (!(error instanceof ApiError)) return undefined;
  if (error.status === 410) return 'used';
  return error.status === 401 || error.status === 403 || error.status === 404 ? 'invalid' : undefined;
}
