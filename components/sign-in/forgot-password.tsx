'use client';

import { useEffect, useRef, useState } from 'react';
import { EmailField } from '#components/people/email-field';
import { FormSubmit } from '#components/people/form-submit';
import { PageLink } from '#components/shell/page-link';
import { EntryFrame } from '#components/sign-in/entry-frame';
import { Button, buttonClasses } from '#components/ui/button';
import type { SignInOptions } from '#lib/browser/sign-in-options';
import { useSubmit } from '../people/use-submit.ts';
import { requestPasswordReset } from './sign-in-api.ts';
import { SIGN_IN_STRINGS } from './strings.ts';

const { forgot: STRINGS } = SIGN_IN_STRINGS;

/** Asks for a link to set a password. The server does not reveal who has an account. */
export function ForgotPassword({ provider }: Pick<SignInOptions, 'provider'>) {
  const [email, setEmail] = useState('');
  const [isSent, setSent] = useState(false);
  const { isBusy, error, submit } = useSubmit(async () => {
    await requestPasswordReset(email.trim());
    setSent(true);
  });
  if (isSent) return <CheckMail email={email.trim()} provider={provider} onAgain={() => setSent(false)} />;
  return (
    <EntryFrame title={STRINGS.title}>
      <form onSubmit={submit} className="mt-2 flex flex-col gap-4">
        <p className="text-ink-2 text-sm">{STRINGS.hint}</p>
        <EmailField value={email} onChange={setEmail} />
        <FormSubmit action={STRINGS.send} busyAction={STRINGS.sending} isBusy={isBusy} error={error} place="wide" />
        <div className="-mx-3">
          <PageLink href="/sign-in" className={buttonClasses('quiet', 'md')}>
            {STRINGS.back}
          </PageLink>
        </div>
      </form>
    </EntryFrame>
  );
}

interface CheckMailProps extends Pick<SignInOptions, 'provider'> {
  email: string;
  onAgain: () => void;
}

/** The same for every address. */
function CheckMail({ email, provider, onAgain }: CheckMailProps) {
  const text = useRef<HTMLParagraphElement>(null);
  // The form with the focus was replaced.
  useEffect(() => text.current?.focus(), []);
  return (
    <EntryFrame title={STRINGS.sentTitle}>
      <div className="mt-2 flex flex-col items-start gap-4 text-ink-2 text-sm">
        <p ref={text} tabIndex={-1} className="outline-none [overflow-wrap:anywhere]">
          {STRINGS.sent(email)}
        </p>
        <p>{STRINGS.notThere}</p>
        {provider === undefined ? null : <p>{STRINGS.withProvider(provider.name)}</p>}
        <div className="flex flex-wrap gap-2">
          <PageLink href="/sign-in" className={buttonClasses('primary', 'md')}>
            {STRINGS.back}
          </PageLink>
          <Button kind="quiet" onClick={onAgain}>
            {STRINGS.again}
          </Button>
        </div>
      </div>
    </EntryFrame>
  );
}
