'use client';

import { UserPlus } from 'lucide-react';
import { useState } from 'react';
import { GroupFilter } from '#components/admin/group-select';
import { LimitsDialog } from '#components/admin/limits-dialog';
import { ChoiceFilter, SearchFilter } from '#components/admin/list-filter';
import { ListTable } from '#components/admin/list-table';
import { MemberDialog } from '#components/admin/member-dialog';
import { MemberMenu } from '#components/admin/member-menu';
import { PersonCell, personCells } from '#components/admin/person-cell';
import { ResetLinkDialog } from '#components/admin/reset-link-dialog';
import { LoadMore } from '#components/people/load-more';
import { LoadState } from '#components/people/load-state';
import { EmptyList } from '#components/people/section';
import { PageLink } from '#components/shell/page-link';
import { Button, buttonClasses } from '#components/ui/button';
import { Confirm } from '#components/ui/dialog';
import type { Member, PersonRole } from '#lib/wire/people';
import { PEOPLE_STRINGS } from '../people/strings.ts';
import { useMe } from '../people/use-me.ts';
import { useNow } from '../people/use-now.ts';
import { usePaged } from '../people/use-paged.ts';
import { deleteMember, fetchMembers, PATHS } from './admin-api.ts';
import { attempt } from './attempt.ts';
import { useGroupOfAddress } from './group-of-address.ts';
import { ADMIN_STRINGS } from './strings/frame.ts';
import { PEOPLE_ADMIN_STRINGS } from './strings/people.ts';
import { NO_GROUP, useGroups } from './use-groups.ts';
import { useSettled } from './use-settled.ts';

const { people: STRINGS } = PEOPLE_ADMIN_STRINGS;
const ANY = 'any';
const ANY_GROUP = { value: ANY, label: ADMIN_STRINGS.anyGroup };
const ROLES: readonly PersonRole[] = ['admin', 'manager', 'member'];

type Opened = { kind: 'edit' | 'reset' | 'delete' | 'limits'; member: Member };

/** Everyone with an account: search, role, group, lock out, reset link, delete. */
export function People({ sendsMail }: { sendsMail: boolean }) {
  const [words, setWords] = useState('');
  const [group, setGroup] = useState(ANY);
  const [role, setRole] = useState(ANY);
  const [opened, setOpened] = useState<Opened>();
  const [isOpen, setOpen] = useState(false);
  const me = useMe();
  const isAdmin = me.data?.user.role === 'admin';
  const now = useNow();
  const hasGroups = useGroups().groups.length > 0;
  const list = usePaged(listPath(useSettled(words.trim()), group, role), fetchMembers, (page) => page.users);
  const { items: members, error } = list;
  const isFiltered = words.trim() !== '' || group !== ANY || role !== ANY;
  const open = (kind: Opened['kind'], member: Member) => {
    setOpened({ kind, member });
    setOpen(true);
  };
  useGroupOfAddress(setGroup);
  const clear = () => {
    setWords('');
    setGroup(ANY);
    setRole(ANY);
  };
  const dialog = { open: isOpen, onOpenChange: setOpen, onChange: list.reload };
  return (
    <div className="flex flex-col gap-4">
      <div className="flex flex-wrap items-center gap-2">
        <SearchFilter label={STRINGS.search} value={words} onChange={setWords} />
        <ChoiceFilter
          label={STRINGS.role}
          value={role}
          options={[
            { value: ANY, label: ADMIN_STRINGS.anyRole },
            ...ROLES.map((value) => ({ value, label: PEOPLE_STRINGS.role(value) })),
          ]}
          onChange={setRole}
        />
        {hasGroups ? <GroupFilter label={STRINGS.group} value={group} any={ANY_GROUP} onChange={setGroup} /> : null}
        <PageLink href="/admin/invitations?new=1" className={buttonClasses('primary', 'md')}>
          <UserPlus className="size-4" strokeWidth={1.75} aria-hidden />
          {STRINGS.invite}
        </PageLink>
      </div>
      <LoadState data={members} error={error} onRetry={list.reload} rows={6} />
      {members === undefined ? null : members.length === 0 ? (
        <EmptyList
          title={isFiltered ? STRINGS.noMatch : STRINGS.empty}
          {...(isFiltered ? {} : { hint: STRINGS.emptyHint })}
        >
          {isFiltered ? <Button onClick={clear}>{STRINGS.clear}</Button> : null}
        </EmptyList>
      ) : (
        <ListTable
          label={ADMIN_STRINGS.people}
          actions={STRINGS.columns.actions}
          columns={[
            { label: STRINGS.columns.person },
            { label: STRINGS.columns.role, className: 'w-32' },
            { label: STRINGS.columns.group, className: 'w-40' },
            { label: STRINGS.columns.seen, className: 'w-32' },
          ]}
          rows={members.map((member) => ({
            key: member.id,
            cells: [
              <PersonCell key="person" member={member} isSelf={member.id === me.data?.user.id} />,
              ...personCells(member, now),
            ],
            // Managers change members only.
            action:
              isAdmin || member.role === 'member' || member.id === me.data?.user.id ? (
                <MemberMenu
                  member={member}
                  isSelf={member.id === me.data?.user.id}
                  isAdmin={isAdmin}
                  onOpen={open}
                  onDone={list.reload}
                />
              ) : null,
          }))}
        />
      )}
      {list.total === undefined || list.total === 0 ? null : (
        <p className="text-ink-3 text-xs tabular">{STRINGS.count(list.total)}</p>
      )}
      <LoadMore list={list} />
      {opened === undefined ? null : (
        <>
          <MemberDialog {...dialog} open={isOpen && opened.kind === 'edit'} member={opened.member} />
          <ResetLinkDialog
            {...dialog}
            open={isOpen && opened.kind === 'reset'}
            member={opened.member}
            sendsMail={sendsMail}
          />
          <LimitsDialog
            {...dialog}
            open={isOpen && opened.kind === 'limits'}
            scope={{ kind: 'user', id: opened.member.id }}
            name={opened.member.name}
          />
          <Confirm
            open={isOpen && opened.kind === 'delete'}
            onOpenChange={setOpen}
            title={STRINGS.removeTitle(opened.member.name)}
            description={STRINGS.removeConfirm}
            action={STRINGS.remove}
            cancel={STRINGS.keep}
            danger
            onConfirm={() => {
              const { id, name } = opened.member;
              void attempt(() => deleteMember(id), STRINGS.removed(name)).then(list.reload);
            }}
          />
        </>
      )}
    </div>
  );
}

function listPath(words: string, group: string, role: string): string {
  const query = new URLSearchParams();
  if (words !== '') query.set('search', words);
  if (group !== ANY && group !== NO_GROUP) query.set('group_id', group);
  if (role !== ANY) query.set('role', role);
  return query.size === 0 ? PATHS.users : `${PATHS.users}?${query}`;
}
