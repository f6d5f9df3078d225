'use client';

import { useEffect, useState } from 'react';
import { Failure } from '#components/people/failure';
import { Button } from '#components/ui/button';
import { Notice } from '#components/ui/notice';
import { useSubmit } from '../people/use-submit.ts';
import { providerUrl } from './sign-in-api.ts';
import { SIGN_IN_STRINGS } from './strings.ts';

const { accounts: STRINGS } = SIGN_IN_STRINGS;

interface ProviderButtonProps {
  provider: { id: string; name: string };
  label: string;
  /** The path that follows, read when the button is pressed. */
  page: () => string;
  /** The token of an invitation, for a person who has no account yet. */
  invitation?: string | undefined;
}

/** Leads to the sign-in page of the organisation, and says if it led back with an error. */
export function ProviderButton({ provider, label, page, invitation }: ProviderButtonProps) {
  const [wasRefused, setRefused] = useState(false);
  useEffect(() => setRefused(new URLSearchParams(window.location.search).has('error')), []);
  const { isBusy, error, submit } = useSubmit(async () => {
    setRefused(false);
    const url = await providerUrl(provider.id, page(), invitation);
    if (url === undefined) setRefused(true);
    else window.location.assign(url);
  });
  return (
    <div className="mt-4 flex flex-col gap-4">
      <Button kind="primary" disabled={isBusy} onClick={() => submit()} className="h-10 min-w-0">
        <span className="truncate">{label}</span>
      </Button>
      {wasRefused ? <Notice kind="error">{STRINGS.providerFailed}</Notice> : null}
      {error === undefined ? null : <Failure error={error} />}
      <p className="flex items-center gap-3 text-ink-3 text-xs before:flex-1 before:border-t after:flex-1 after:border-t">
        {STRINGS.or}
      </p>
    </div>
  );
}
