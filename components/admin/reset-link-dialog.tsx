'use client';

import { useEffect, useState } from 'react';
import { LocalLinkNotice } from '#components/admin/local-link-notice';
import { MailNotice } from '#components/admin/mail-notice';
import { Failure } from '#components/people/failure';
import { SecretText } from '#components/people/secret-text';
import { Button } from '#components/ui/button';
import { Dialog } from '#components/ui/dialog';
import type { Member } from '#lib/wire/people';
import { PEOPLE_STRINGS } from '../people/strings.ts';
import { useSubmit } from '../people/use-submit.ts';
import { makeResetLink, type ResetLink } from './admin-api.ts';
import { PEOPLE_ADMIN_STRINGS } from './strings/people.ts';

const { people: STRINGS } = PEOPLE_ADMIN_STRINGS;

interface ResetLinkDialogProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  member: Member;
  sendsMail: boolean;
}

/** A link with which a person chooses a new password, to send or to copy. */
export function ResetLinkDialog({ open, onOpenChange, member, sendsMail }: ResetLinkDialogProps) {
  const props = { member, onDone: () => onOpenChange(false) };
  return (
    <Dialog open={open} onOpenChange={onOpenChange} title={STRINGS.resetTitle}>
      {sendsMail ? <ResetLinkChoice key={member.id} {...props} /> : <NewResetLink key={member.id} {...props} />}
    </Dialog>
  );
}

interface ContentProps {
  member: Member;
  onDone: () => void;
}

/** Without mail the link is made at once. */
function NewResetLink({ member, onDone }: ContentProps) {
  const [link, setLink] = useState<ResetLink>();
  const [error, setError] = useState<unknown>();
  useEffect(() => {
    makeResetLink(member.id, false).then(setLink, setError);
  }, [member.id]);
  return (
    <div className="flex flex-col gap-4">
      <p className="text-ink-2 [overflow-wrap:anywhere]">{STRINGS.resetHint(member.name)}</p>
      {error === undefined ? null : <Failure error={error} />}
      {link === undefined && error === undefined ? <div aria-hidden className="skeleton h-14" /> : null}
      {link === undefined ? null : <LinkText url={link.url} />}
      <DoneButton onDone={onDone} />
    </div>
  );
}

/** Sends the link to the person, or shows it only. */
function ResetLinkChoice({ member, onDone }: ContentProps) {
  const { id, name, email } = member;
  const [link, setLink] = useState<ResetLink>();
  const sending = useSubmit(async () => setLink(await makeResetLink(id, true)));
  const showing = useSubmit(async () => setLink(await makeResetLink(id, false)));
  const error = sending.error ?? showing.error;
  const isBusy = sending.isBusy || showing.isBusy;
  if (link !== undefined)
    return (
      <div className="flex flex-col gap-4">
        <MailNotice mail={link.mail} to={email} />
        <p className="text-ink-2 [overflow-wrap:anywhere]">
          {link.mail?.sent === true ? STRINGS.resetShown : STRINGS.resetHint(name)}
        </p>
        <LinkText url={link.url} />
        <DoneButton onDone={onDone} />
      </div>
    );
  return (
    <div className="flex flex-col gap-4">
      <p className="text-ink-2 [overflow-wrap:anywhere]">{STRINGS.resetChoice(name, email)}</p>
      {error === undefined ? null : <Failure error={error} />}
      <div className="flex flex-wrap justify-end gap-2">
        <Button disabled={isBusy} onClick={() => showing.submit()}>
          {STRINGS.resetShow}
        </Button>
        <Button kind="primary" disabled={isBusy} onClick={() => sending.submit()}>
          {sending.isBusy ? STRINGS.resetSending : STRINGS.resetSend}
        </Button>
      </div>
    </div>
  );
}

function LinkText({ url }: { url: string }) {
  return (
    <>
      <SecretText label={STRINGS.resetLabel} text={url} copyLabel={STRINGS.copyLink} />
      <LocalLinkNotice url={url} />
    </>
  );
}

function DoneButton({ onDone }: { onDone: () => void }) {
  return (
    <div className="flex justify-end">
      <Button onClick={onDone}>{PEOPLE_STRINGS.done}</Button>
    </div>
  );
}
