'use client';

import { Plus } from 'lucide-react';
import { useState } from 'react';
import useSWR from 'swr';
import { KeyLimitsDialog } from '#components/account/key-limits-dialog';
import { usageOfKey } from '#components/account/usage-section';
import { KeyForm } from '#components/people/key-form';
import { KeyList } from '#components/people/key-list';
import { LoadState } from '#components/people/load-state';
import { NewKey } from '#components/people/new-key';
import { EmptyList, Section } from '#components/people/section';
import { PageLink } from '#components/shell/page-link';
import { Button, buttonClasses } from '#components/ui/button';
import { Dialog } from '#components/ui/dialog';
import type { AccessKey, CreatedKey, KeyScope, LimitState } from '#lib/wire/people';
import { createKey, fetchKeys } from '../people/people-api.ts';
import { PEOPLE_STRINGS } from '../people/strings.ts';
import { ACCOUNT_STRINGS } from './strings.ts';

const { keys: STRINGS } = ACCOUNT_STRINGS;
const { keys: KEY_STRINGS } = PEOPLE_STRINGS;

/** The person's keys: create, copy once, revoke. */
export function KeysSection({ scopes, limits }: { scopes: readonly KeyScope[]; limits: readonly LimitState[] }) {
  const { data, error, mutate } = useSWR('keys', fetchKeys);
  const [open, setOpen] = useState(false);
  const [created, setCreated] = useState<CreatedKey>();
  const [limited, setLimited] = useState<AccessKey>();
  const [isLimitsOpen, setLimitsOpen] = useState(false);
  const create = (
    <Button kind={data?.keys.length === 0 ? 'primary' : 'secondary'} onClick={() => setOpen(true)}>
      <Plus className="size-4" aria-hidden />
      {KEY_STRINGS.create}
    </Button>
  );
  const isEmpty = data?.keys.length === 0 && created === undefined;
  return (
    <Section id="keys" title={STRINGS.title} hint={STRINGS.hint} action={isEmpty ? undefined : create}>
      {created === undefined ? null : (
        <div className="mb-3">
          <NewKey created={created} onDone={() => setCreated(undefined)} />
        </div>
      )}
      <LoadState data={data} error={error} onRetry={() => void mutate()} rows={2} />
      {data === undefined ? null : isEmpty ? (
        <EmptyList title={STRINGS.empty} hint={STRINGS.emptyHint}>
          {create}
        </EmptyList>
      ) : (
        <KeyList
          keys={data.keys}
          more={(key) => (
            <>
              <PageLink
                href={usageOfKey(key.id)}
                aria-label={KEY_STRINGS.usageOf(key.name)}
                className={buttonClasses('quiet', 'sm')}
              >
                {KEY_STRINGS.usage}
              </PageLink>
              <Button
                kind="quiet"
                size="sm"
                aria-label={KEY_STRINGS.limitsOf(key.name)}
                onClick={() => {
                  setLimited(key);
                  setLimitsOpen(true);
                }}
              >
                {KEY_STRINGS.limits}
              </Button>
            </>
          )}
          onDone={() => {
            setCreated(undefined);
            void mutate();
          }}
        />
      )}
      <Dialog open={open} onOpenChange={setOpen} title={KEY_STRINGS.title}>
        <KeyForm
          scopes={scopes}
          ownLimits={limits}
          onCreate={createKey}
          onCreated={(key) => {
            setOpen(false);
            setCreated(key);
            void mutate();
          }}
        />
      </Dialog>
      {limited === undefined ? null : (
        <KeyLimitsDialog
          open={isLimitsOpen}
          onOpenChange={setLimitsOpen}
          accessKey={limited}
          own={limits}
          onChange={() => void mutate()}
        />
      )}
    </Section>
  );
}
