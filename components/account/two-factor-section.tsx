'use client';

import { useState } from 'react';
import useSWR from 'swr';
import { PasswordStep } from '#components/account/password-step';
import { TwoFactorSetUp } from '#components/account/two-factor-set-up';
import { LoadState } from '#components/people/load-state';
import { Section } from '#components/people/section';
import { Badge } from '#components/ui/badge';
import { Button } from '#components/ui/button';
import { Dialog } from '#components/ui/dialog';
import { showToast } from '#lib/browser/toasts';
import { endTwoFactor, fetchTwoFactor } from './account-api.ts';
import { ACCOUNT_STRINGS } from './strings.ts';

const { twoFactor: STRINGS } = ACCOUNT_STRINGS;

/** A code of an app next to the password: on, off, and set up. */
export function TwoFactorSection() {
  const { data: isOn, error, mutate } = useSWR('two-factor', fetchTwoFactor);
  const [open, setOpen] = useState(false);
  // The dialog keeps its content while it closes.
  const [wasOn, setWasOn] = useState(false);
  const change = (
    <Button
      onClick={() => {
        setWasOn(isOn === true);
        setOpen(true);
      }}
    >
      {isOn === true ? STRINGS.turnOff : STRINGS.setUp}
    </Button>
  );
  const done = (sentence: string) => {
    setOpen(false);
    showToast({ text: sentence });
    void mutate();
  };
  return (
    <Section id="two-factor" title={STRINGS.title} action={isOn === undefined ? undefined : change}>
      <LoadState data={isOn} error={error} onRetry={() => void mutate()} rows={1} />
      {isOn === undefined ? null : (
        <p className="flex flex-wrap items-start gap-2 text-ink-2 text-sm">
          <Badge tone={isOn ? 'good' : 'neutral'}>{isOn ? STRINGS.isOn : STRINGS.isOff}</Badge>
          <span className="min-w-[min(14rem,100%)] flex-1">{isOn ? STRINGS.on : STRINGS.off}</span>
        </p>
      )}
      <Dialog open={open} onOpenChange={setOpen} title={STRINGS.title}>
        {wasOn ? (
          <PasswordStep
            action={STRINGS.turnOff}
            busyAction={STRINGS.turningOff}
            onPassword={async (password) => {
              await endTwoFactor(password);
              done(STRINGS.turnedOff);
            }}
          />
        ) : (
          <TwoFactorSetUp onDone={() => done(STRINGS.turnedOn)} />
        )}
      </Dialog>
    </Section>
  );
}
