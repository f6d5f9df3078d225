import type { ReactNode } from 'react';
import { LabelledCell } from '#components/admin/list-table';
import { Badge } from '#components/ui/badge';
import { formatAgo } from '#lib/browser/format-date';
import type { Member } from '#lib/wire/people';
import { PEOPLE_STRINGS } from '../people/strings.ts';
import { PEOPLE_ADMIN_STRINGS } from './strings/people.ts';

const { people: STRINGS } = PEOPLE_ADMIN_STRINGS;

/** Name and address, with what is unusual about the account. */
export function PersonCell({ member: { name, email, disabled, two_factor: hasTwoFactor }, isSelf }: PersonCellProps) {
  return (
    <span className="block min-w-0">
      <span className="flex min-w-0 flex-wrap items-center gap-x-2">
        <span className="truncate font-medium" title={name}>
          {name}
        </span>
        {isSelf ? <Badge tone="accent">{STRINGS.you}</Badge> : null}
        {disabled ? <Badge tone="error">{STRINGS.disabled}</Badge> : null}
        {hasTwoFactor ? <Badge tone="good">{STRINGS.twoFactor}</Badge> : null}
      </span>
      <span className="block truncate text-ink-2 text-xs" title={email}>
        {email}
      </span>
    </span>
  );
}

interface PersonCellProps {
  member: Member;
  isSelf: boolean;
}

/** Role, group, and when the person was last here. */
export function personCells({ role, group, last_seen_at: seenAt }: Member, now: number): ReactNode[] {
  return [
    PEOPLE_STRINGS.role(role),
    group?.name,
    <LabelledCell key="seen" label={STRINGS.columns.seen}>
      {seenAt === null ? STRINGS.neverSeen : formatAgo(seenAt, now)}
    </LabelledCell>,
  ];
}
