'use client';

import { useEffect, useRef, useState } from 'react';
import { PasswordStep } from '#components/account/password-step';
import { Failure } from '#components/people/failure';
import { Section } from '#components/people/section';
import { Badge } from '#components/ui/badge';
import { Button } from '#components/ui/button';
import { Dialog } from '#components/ui/dialog';
import { Notice } from '#components/ui/notice';
import { showToast } from '#lib/browser/toasts';
import { useSubmit } from '../people/use-submit.ts';
import { PROVIDER_ERROR, providerLinkUrl, takeLinkResult, unlinkProvider } from './provider-link.ts';
import { ACCOUNT_STRINGS } from './strings.ts';

const { provider: STRINGS } = ACCOUNT_STRINGS;

interface ProviderSectionProps {
  name: string;
  isLinked: boolean;
  hasPassword: boolean;
  onChange: () => void;
}

/** The account at the organisation's sign-in page: linked once, and unlinked with the password. */
export function ProviderSection({ name, isLinked, hasPassword, onChange }: ProviderSectionProps) {
  const [refusal, setRefusal] = useState<string>();
  const [open, setOpen] = useState(false);
  const place = useRef<HTMLDivElement>(null);
  const { isBusy, error, submit } = useSubmit(async () => {
    setRefusal(undefined);
    const url = await providerLinkUrl();
    if (url === undefined) setRefusal(PROVIDER_ERROR);
    else window.location.assign(url);
  });
  useEffect(() => {
    const result = takeLinkResult();
    if (result === undefined) return;
    if (result.isLinked) return showToast({ id: 'provider-linked', text: STRINGS.nowLinked(name) });
    setRefusal(result.error);
    place.current?.scrollIntoView({ block: 'center' });
  }, [name]);
  const action = isLinked ? (
    hasPassword ? (
      <Button onClick={() => setOpen(true)}>{STRINGS.unlink}</Button>
    ) : undefined
  ) : (
    <Button disabled={isBusy} onClick={() => submit()}>
      {STRINGS.link}
    </Button>
  );
  const hint = isLinked ? (hasPassword ? STRINGS.linkedHint : STRINGS.onlyHint) : STRINGS.notLinkedHint;
  return (
    <Section id="provider" title={STRINGS.title} action={action}>
      <div ref={place} className="flex flex-col gap-3">
        <p className="flex flex-wrap items-start gap-2 text-ink-2 text-sm">
          <Badge tone={isLinked ? 'good' : 'neutral'}>{isLinked ? STRINGS.linked : STRINGS.notLinked}</Badge>
          <span className="min-w-[min(14rem,100%)] flex-1">{hint(name)}</span>
        </p>
        {refusal === undefined ? null : <Notice kind="error">{STRINGS.refused(refusal, name)}</Notice>}
        {error === undefined ? null : <Failure error={error} />}
      </div>
      <Dialog open={open} onOpenChange={setOpen} title={STRINGS.unlinkTitle(name)}>
        <PasswordStep
          action={STRINGS.unlink}
          busyAction={STRINGS.unlinking}
          onPassword={async (password) => {
            await unlinkProvider(password);
            setOpen(false);
            showToast({ text: STRINGS.unlinkedNow(name) });
            onChange();
          }}
        />
      </Dialog>
    </Section>
  );
}
