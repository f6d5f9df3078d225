'use client';

import { useState } from 'react';
import { GroupField } from '#components/admin/group-select';
import { CheckboxField, TextField } from '#components/people/field';
import { FormSubmit } from '#components/people/form-submit';
import { Segments } from '#components/people/segments';
import { SelectField } from '#components/people/select-field';
import type { CreatedInvitation, PersonRole } from '#lib/wire/people';
import { PEOPLE_STRINGS } from '../people/strings.ts';
import { useMe } from '../people/use-me.ts';
import { useSubmit } from '../people/use-submit.ts';
import { createInvitation } from './admin-api.ts';
import { PEOPLE_ADMIN_STRINGS } from './strings/people.ts';
import { NO_GROUP } from './use-groups.ts';

const { invitations: STRINGS } = PEOPLE_ADMIN_STRINGS;
const KINDS = ['one', 'many'] as const;
const EXPIRIES = ['1', '7', '30', '90'] as const;
const ROLES: readonly PersonRole[] = ['member', 'manager', 'admin'];
const MOST_PLACES = 1000;

interface InvitationFormProps {
  sendsMail: boolean;
  onCreated: (created: CreatedInvitation) => void;
}

/** For whom the link is, what they become, and how long it is valid. */
export function InvitationForm({ sendsMail, onCreated }: InvitationFormProps) {
  const [kind, setKind] = useState<(typeof KINDS)[number]>('one');
  const [email, setEmail] = useState('');
  const [wantsMail, setWantsMail] = useState(true);
  const [places, setPlaces] = useState('30');
  const [role, setRole] = useState<PersonRole>('member');
  const [group, setGroup] = useState(NO_GROUP);
  const [expiry, setExpiry] = useState('7');
  const [note, setNote] = useState('');
  const [hasWrongPlaces, setWrongPlaces] = useState(false);
  const [lacksGroup, setLacksGroup] = useState(false);
  const me = useMe().data;
  const isManager = me?.user.role === 'manager';
  const hasEmail = kind === 'one' && email.trim() !== '';
  const isMailed = sendsMail && hasEmail && wantsMail;
  const { isBusy, error, submit } = useSubmit(async () => {
    const most = kind === 'one' ? 1 : Number(places);
    const isPossible = kind === 'one' || (Number.isInteger(most) && most >= 2 && most <= MOST_PLACES);
    setWrongPlaces(!isPossible);
    const isWithoutGroup = !isManager && role === 'manager' && group === NO_GROUP;
    setLacksGroup(isWithoutGroup);
    if (!isPossible || isWithoutGroup) return;
    const groupId = isManager ? me?.user.group?.id : group;
    const created = await createInvitation({
      role: isManager ? 'member' : role,
      max_uses: most,
      expires_in_days: Number(expiry),
      ...(groupId === undefined || groupId === NO_GROUP ? {} : { group_id: groupId }),
      ...(hasEmail ? { email: email.trim() } : {}),
      ...(sendsMail && hasEmail ? { send_mail: isMailed } : {}),
      ...(note.trim() === '' ? {} : { note: note.trim() }),
    });
    onCreated(created);
  });
  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      <div className="flex">
        <Segments label={STRINGS.kind} value={kind} options={KINDS} names={STRINGS.kinds} onChange={setKind} />
      </div>
      {kind === 'one' ? (
        <div className="flex flex-col gap-2">
          <TextField
            label={STRINGS.email}
            isOptional
            hint={STRINGS.emailHint}
            type="email"
            autoComplete="off"
            maxLength={254}
            value={email}
            onChange={setEmail}
          />
          {sendsMail ? (
            <CheckboxField
              label={STRINGS.sendMail}
              hint={STRINGS.sendMailHint}
              disabled={!hasEmail}
              checked={hasEmail && wantsMail}
              onChange={setWantsMail}
            />
          ) : null}
        </div>
      ) : (
        <TextField
          label={STRINGS.places}
          hint={STRINGS.placesHint}
          error={hasWrongPlaces ? STRINGS.placesWrong : undefined}
          inputMode="numeric"
          autoComplete="off"
          required
          maxLength={4}
          value={places}
          onChange={setPlaces}
        />
      )}
      {isManager ? null : (
        <div className="grid gap-4 sm:grid-cols-2">
          <SelectField
            label={STRINGS.role}
            hint={PEOPLE_STRINGS.roleHint(role)}
            value={role}
            options={ROLES.map((value) => ({ value, label: PEOPLE_STRINGS.role(value) }))}
            onChange={(value) => setRole(ROLES.find((known) => known === value) ?? 'member')}
          />
          <GroupField
            label={STRINGS.group}
            error={lacksGroup ? STRINGS.managerNeedsGroup : undefined}
            value={group}
            onChange={setGroup}
          />
        </div>
      )}
      <SelectField
        label={STRINGS.expires}
        value={expiry}
        options={EXPIRIES.map((value) => ({ value, label: STRINGS.expiries[value] }))}
        onChange={setExpiry}
      />
      <TextField
        label={STRINGS.note}
        isOptional
        hint={STRINGS.noteHint}
        autoComplete="off"
        maxLength={200}
        value={note}
        onChange={setNote}
      />
      <FormSubmit
        action={isMailed ? STRINGS.submitAndSend : STRINGS.submit}
        busyAction={isMailed ? STRINGS.submittingAndSending : STRINGS.submitting}
        isBusy={isBusy}
        error={error}
      />
    </form>
  );
}
