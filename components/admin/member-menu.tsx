'use client';

import { Ban, ChartColumn, Gauge, KeyRound, LogOut, Pencil, ShieldOff, Trash2, UserCheck } from 'lucide-react';
import { useRouter } from 'next/navigation';
import { RowMenu } from '#components/admin/row-menu';
import { usageOf } from '#components/admin/usage-of';
import type { Member } from '#lib/wire/people';
import { changeMember, endSessionsOf } from './admin-api.ts';
import { attempt } from './attempt.ts';
import { PEOPLE_ADMIN_STRINGS } from './strings/people.ts';

const { people: STRINGS } = PEOPLE_ADMIN_STRINGS;

interface MemberMenuProps {
  member: Member;
  isSelf: boolean;
  /** Managers delete no one, and do not set their own limits. */
  isAdmin: boolean;
  onOpen: (kind: 'edit' | 'reset' | 'delete' | 'limits', member: Member) => void;
  onDone: () => void;
}

/** What can be done with a person. Locking out is undone with one press. */
export function MemberMenu({ member, isSelf, isAdmin, onOpen, onDone }: MemberMenuProps) {
  const { id, name, disabled, two_factor: hasTwoFactor } = member;
  const router = useRouter();
  const setDisabled = async (next: boolean, canUndo: boolean): Promise<void> => {
    await attempt(
      () => changeMember(id, { disabled: next }),
      next ? STRINGS.disabledNow(name) : STRINGS.enabledNow(name),
      canUndo ? () => void setDisabled(!next, false) : undefined,
    );
    onDone();
  };
  const own = [
    { label: STRINGS.edit, icon: <Pencil className="size-4" aria-hidden />, onSelect: () => onOpen('edit', member) },
    {
      label: STRINGS.usage,
      icon: <ChartColumn className="size-4" aria-hidden />,
      onSelect: () => router.push(usageOf({ kind: 'user', id })),
    },
    ...(isAdmin || !isSelf
      ? [
          {
            label: STRINGS.limits,
            icon: <Gauge className="size-4" aria-hidden />,
            onSelect: () => onOpen('limits', member),
          },
        ]
      : []),
  ];
  const others = [
    {
      label: STRINGS.resetLink,
      icon: <KeyRound className="size-4" aria-hidden />,
      onSelect: () => onOpen('reset', member),
    },
    ...(hasTwoFactor
      ? [
          {
            label: STRINGS.removeTwoFactor,
            icon: <ShieldOff className="size-4" aria-hidden />,
            onSelect: () =>
              void attempt(() => changeMember(id, { two_factor: false }), STRINGS.twoFactorRemoved(name)).then(onDone),
          },
        ]
      : []),
    {
      label: STRINGS.endSessions,
      icon: <LogOut className="size-4" aria-hidden />,
      onSelect: () => void attempt(() => endSessionsOf(id), STRINGS.sessionsEnded(name)),
    },
    {
      label: disabled ? STRINGS.enable : STRINGS.disable,
      icon: disabled ? <UserCheck className="size-4" aria-hidden /> : <Ban className="size-4" aria-hidden />,
      onSelect: () => void setDisabled(!disabled, true),
    },
    ...(isAdmin
      ? [
          {
            label: STRINGS.remove,
            icon: <Trash2 className="size-4" aria-hidden />,
            danger: true,
            onSelect: () => onOpen('delete', member),
          },
        ]
      : []),
  ];
  return <RowMenu name={name} items={isSelf ? own : [...own, ...others]} />;
}
