'use client';

import { useEffect, useState } from 'react';
import { LocalLinkNotice } from '#components/admin/local-link-notice';
import { Failure } from '#components/people/failure';
import { SecretText } from '#components/people/secret-text';
import { Button } from '#components/ui/button';
import { Dialog } from '#components/ui/dialog';
import type { Member } from '#lib/wire/people';
import { PEOPLE_STRINGS } from '../people/strings.ts';
import { makeResetLink } from './admin-api.ts';
import { PEOPLE_ADMIN_STRINGS } from './strings/people.ts';

const { people: STRINGS } = PEOPLE_ADMIN_STRINGS;

interface ResetLinkDialogProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  member: Member;
}

/** A link with which a person chooses a new password, to copy. */
export function ResetLinkDialog({ open, onOpenChange, member }: ResetLinkDialogProps) {
  return (
    <Dialog open={open} onOpenChange={onOpenChange} title={STRINGS.resetTitle}>
      <ResetLink key={member.id} member={member} onDone={() => onOpenChange(false)} />
    </Dialog>
  );
}

function ResetLink({ member, onDone }: { member: Member; onDone: () => void }) {
  const [url, setUrl] = useState<string>();
  const [error, setError] = useState<unknown>();
  useEffect(() => {
    makeResetLink(member.id).then(setUrl, setError);
  }, [member.id]);
  return (
    <div className="flex flex-col gap-4">
      <p className="text-ink-2 [overflow-wrap:anywhere]">{STRINGS.resetHint(member.name)}</p>
      {error === undefined ? null : <Failure error={error} />}
      {url === undefined ? (
        error === undefined ? (
          <div aria-hidden className="skeleton h-14" />
        ) : null
      ) : (
        <>
          <SecretText label={STRINGS.resetLabel} text={url} copyLabel={STRINGS.copyLink} />
          <LocalLinkNotice url={url} />
        </>
      )}
      <div className="flex justify-end">
        <Button onClick={onDone}>{PEOPLE_STRINGS.done}</Button>
      </div>
    </div>
  );
}
