'use client';

import { Plus } from 'lucide-react';
import { useEffect, useState } from 'react';
import { InvitationForm } from '#components/admin/invitation-form';
import { ListHead } from '#components/admin/list-head';
import { LabelledCell, ListTable } from '#components/admin/list-table';
import { LocalLinkNotice } from '#components/admin/local-link-notice';
import { MailNotice } from '#components/admin/mail-notice';
import { CreatedSection } from '#components/people/created-section';
import { LoadMore } from '#components/people/load-more';
import { LoadState } from '#components/people/load-state';
import { SecretText } from '#components/people/secret-text';
import { EmptyList } from '#components/people/section';
import { PageLink } from '#components/shell/page-link';
import { Badge } from '#components/ui/badge';
import { Button, buttonClasses } from '#components/ui/button';
import { Confirm, Dialog } from '#components/ui/dialog';
import { formatDateTime, formatUntil } from '#lib/browser/format-date';
import type { CreatedInvitation, Invitation } from '#lib/wire/people';
import { PEOPLE_STRINGS } from '../people/strings.ts';
import { useNow } from '../people/use-now.ts';
import { usePaged } from '../people/use-paged.ts';
import { fetchInvitations, PATHS, withdrawInvitation } from './admin-api.ts';
import { attempt } from './attempt.ts';
import { ADMIN_STRINGS } from './strings/frame.ts';
import { PEOPLE_ADMIN_STRINGS } from './strings/people.ts';

const { invitations: STRINGS } = PEOPLE_ADMIN_STRINGS;

/** Links with which people join: make one, copy it, withdraw it. */
export function Invitations({ sendsMail }: { sendsMail: boolean }) {
  const list = usePaged(PATHS.invitations, fetchInvitations, (page) => page.invitations);
  const [isCreating, setCreating] = useState(false);
  const [created, setCreated] = useState<CreatedInvitation>();
  const [chosen, setChosen] = useState<Invitation>();
  const [isConfirming, setConfirming] = useState(false);
  const [isNew, setNew] = useState(false);
  const now = useNow();
  useEffect(() => {
    // From the set-up page, and from the list of people.
    const url = new URL(window.location.href);
    if (!url.searchParams.has('new')) return;
    url.searchParams.delete('new');
    window.history.replaceState(window.history.state, '', url);
    setNew(true);
    setCreating(true);
  }, []);
  const { items, error } = list;
  const create = (
    <Button kind="primary" onClick={() => setCreating(true)}>
      <Plus className="size-4" aria-hidden />
      {STRINGS.create}
    </Button>
  );
  const isEmpty = items?.length === 0 && created === undefined;
  return (
    <div className="flex flex-col gap-4">
      <ListHead hint={isEmpty && isNew ? STRINGS.welcome : sendsMail ? STRINGS.hintWithMail : STRINGS.hint}>
        {isEmpty ? null : create}
      </ListHead>
      {created === undefined ? null : <NewInvitation created={created} onDone={() => setCreated(undefined)} />}
      <LoadState data={items} error={error} onRetry={list.reload} />
      {items === undefined ? null : isEmpty ? (
        <EmptyList title={STRINGS.empty} hint={STRINGS.emptyHint}>
          <div className="flex flex-wrap gap-2">
            {create}
            <PageLink href="/" className={buttonClasses('quiet', 'md')}>
              {STRINGS.toChat}
            </PageLink>
          </div>
        </EmptyList>
      ) : (
        <ListTable
          label={ADMIN_STRINGS.invitations}
          actions={STRINGS.columns.actions}
          columns={[
            { label: STRINGS.columns.invitation },
            { label: STRINGS.columns.role, className: 'w-44' },
            { label: STRINGS.columns.used, className: 'w-32' },
            { label: STRINGS.columns.expires, className: 'w-36' },
          ]}
          rows={items.map((invitation) => ({
            key: invitation.id,
            cells: cellsOf(invitation, now),
            action: (
              <Button
                size="sm"
                aria-label={STRINGS.withdrawOf(`${nameOf(invitation)}, ${madeOf(invitation)}`)}
                onClick={() => {
                  setChosen(invitation);
                  setConfirming(true);
                }}
              >
                {STRINGS.withdraw}
              </Button>
            ),
          }))}
        />
      )}
      <LoadMore list={list} />
      <Dialog open={isCreating} onOpenChange={setCreating} title={STRINGS.title}>
        <InvitationForm
          sendsMail={sendsMail}
          onCreated={(invitation) => {
            setCreating(false);
            setCreated(invitation);
            list.reload();
          }}
        />
      </Dialog>
      <Confirm
        open={isConfirming}
        onOpenChange={setConfirming}
        title={STRINGS.withdrawTitle}
        description={chosen === undefined ? '' : STRINGS.withdrawConfirm(nameOf(chosen), madeOf(chosen))}
        action={STRINGS.withdraw}
        cancel={STRINGS.keep}
        danger
        onConfirm={() => {
          if (chosen === undefined) return;
          setCreated(undefined);
          void attempt(() => withdrawInvitation(chosen.id), STRINGS.withdrawn).then(list.reload);
        }}
      />
    </div>
  );
}

function nameOf({ note, email }: Invitation): string {
  return note ?? email ?? STRINGS.anyone;
}

/** When and by whom: links without a note differ in nothing else. */
function madeOf({ created_at: createdAt, created_by: by }: Invitation): string {
  return STRINGS.made(formatDateTime(createdAt), by?.name);
}

function cellsOf(invitation: Invitation, now: number) {
  const { role, group, email, note, uses, max_uses: most, expires_at: expiresAt } = invitation;
  const isExpired = Date.parse(expiresAt) <= now;
  return [
    <span key="name" className="block min-w-0">
      <span className="flex min-w-0 items-center gap-2">
        <span className="truncate font-medium" title={nameOf(invitation)}>
          {nameOf(invitation)}
        </span>
        {isExpired ? <Badge tone="warn">{STRINGS.expired}</Badge> : null}
        {!isExpired && uses >= most ? <Badge>{STRINGS.full}</Badge> : null}
      </span>
      {note !== null && email !== null ? <span className="block truncate text-ink-2 text-xs">{email}</span> : null}
      <span className="block text-ink-2 text-xs [overflow-wrap:anywhere]">{madeOf(invitation)}</span>
    </span>,
    group === null ? PEOPLE_STRINGS.role(role) : `${PEOPLE_STRINGS.role(role)}, ${group.name}`,
    STRINGS.used(uses, most),
    isExpired ? (
      ''
    ) : (
      <LabelledCell key="expires" label={STRINGS.columns.expires}>
        {formatUntil(expiresAt, now)}
      </LabelledCell>
    ),
  ];
}

/** The link of a new invitation. */
function NewInvitation({ created, onDone }: { created: CreatedInvitation; onDone: () => void }) {
  return (
    <CreatedSection label={STRINGS.created} heading="h2" hint={STRINGS.copyNow} onDone={onDone}>
      <MailNotice mail={created.mail} to={created.email ?? ''} />
      <SecretText label={STRINGS.link} text={created.url} copyLabel={STRINGS.copyLink} />
      <LocalLinkNotice url={created.url} />
    </CreatedSection>
  );
}
