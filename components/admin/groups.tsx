'use client';

import { ChartColumn, Gauge, Pencil, Plus, Trash2, UsersRound } from 'lucide-react';
import { useRouter } from 'next/navigation';
import { useState } from 'react';
import { useSWRConfig } from 'swr';
import { GroupDialog, NewGroupDialog } from '#components/admin/group-dialog';
import { LimitsDialog } from '#components/admin/limits-dialog';
import { ListHead } from '#components/admin/list-head';
import { LabelledCell, ListTable } from '#components/admin/list-table';
import { RowMenu } from '#components/admin/row-menu';
import { usageOf } from '#components/admin/usage-of';
import { LoadMore } from '#components/people/load-more';
import { LoadState } from '#components/people/load-state';
import { EmptyList } from '#components/people/section';
import { Button } from '#components/ui/button';
import { Confirm } from '#components/ui/dialog';
import type { Group } from '#lib/wire/people';
import { useMe } from '../people/use-me.ts';
import { usePaged } from '../people/use-paged.ts';
import { deleteGroup, fetchGroups, PATHS } from './admin-api.ts';
import { attempt } from './attempt.ts';
import { peopleOfGroup } from './group-of-address.ts';
import { ADMIN_STRINGS } from './strings/frame.ts';
import { PEOPLE_ADMIN_STRINGS } from './strings/people.ts';
import { isOfGroups } from './use-groups.ts';

const { groups: STRINGS } = PEOPLE_ADMIN_STRINGS;

type Opened = { kind: 'edit' | 'limits' | 'delete'; group: Group };

/** Classes and labs: create, rename, manager, limits, delete. */
export function Groups() {
  const list = usePaged(PATHS.groups, fetchGroups, (page) => page.groups);
  const { mutate } = useSWRConfig();
  const router = useRouter();
  const [isCreating, setCreating] = useState(false);
  const [opened, setOpened] = useState<Opened>();
  const [isOpen, setOpen] = useState(false);
  const isAdmin = useMe().data?.user.role === 'admin';
  const { items, error } = list;
  const reload = () => {
    list.reload();
    void mutate(isOfGroups);
  };
  const open = (kind: Opened['kind'], group: Group) => {
    setOpened({ kind, group });
    setOpen(true);
  };
  const create = isAdmin ? (
    <Button kind="primary" onClick={() => setCreating(true)}>
      <Plus className="size-4" aria-hidden />
      {STRINGS.create}
    </Button>
  ) : null;
  return (
    <div className="flex flex-col gap-4">
      <ListHead hint={STRINGS.hint}>{items?.length === 0 ? null : create}</ListHead>
      <LoadState data={items} error={error} onRetry={list.reload} />
      {items === undefined ? null : items.length === 0 ? (
        <EmptyList title={STRINGS.empty} hint={STRINGS.emptyHint}>
          {create}
        </EmptyList>
      ) : (
        <ListTable
          label={ADMIN_STRINGS.groups}
          actions={STRINGS.columns.actions}
          columns={[
            { label: STRINGS.columns.group },
            { label: STRINGS.columns.members, className: 'w-32' },
            { label: STRINGS.columns.manager, className: 'w-56' },
          ]}
          rows={items.map((group) => ({
            key: group.id,
            cells: [
              <span key="name" className="block truncate font-medium" title={group.name}>
                {group.name}
              </span>,
              STRINGS.members(group.members),
              group.manager === null ? (
                STRINGS.noManager
              ) : (
                <LabelledCell key="manager" label={STRINGS.columns.manager}>
                  {group.manager.name}
                </LabelledCell>
              ),
            ],
            action: (
              <RowMenu
                name={group.name}
                items={[
                  {
                    label: STRINGS.showMembers,
                    icon: <UsersRound className="size-4" aria-hidden />,
                    onSelect: () => router.push(peopleOfGroup(group.id)),
                  },
                  {
                    label: STRINGS.usage,
                    icon: <ChartColumn className="size-4" aria-hidden />,
                    onSelect: () => router.push(usageOf({ kind: 'group', id: group.id })),
                  },
                  ...(isAdmin
                    ? [
                        {
                          label: STRINGS.edit,
                          icon: <Pencil className="size-4" aria-hidden />,
                          onSelect: () => open('edit', group),
                        },
                      ]
                    : []),
                  {
                    label: STRINGS.limits,
                    icon: <Gauge className="size-4" aria-hidden />,
                    onSelect: () => open('limits', group),
                  },
                  ...(isAdmin
                    ? [
                        {
                          label: STRINGS.remove,
                          icon: <Trash2 className="size-4" aria-hidden />,
                          danger: true,
                          onSelect: () => open('delete', group),
                        },
                      ]
                    : []),
                ]}
              />
            ),
          }))}
        />
      )}
      <LoadMore list={list} />
      <NewGroupDialog open={isCreating} onOpenChange={setCreating} onChange={reload} />
      {opened === undefined ? null : (
        <>
          <GroupDialog
            open={isOpen && opened.kind === 'edit'}
            onOpenChange={setOpen}
            group={opened.group}
            onChange={reload}
          />
          <LimitsDialog
            open={isOpen && opened.kind === 'limits'}
            onOpenChange={setOpen}
            scope={{ kind: 'group', id: opened.group.id }}
            name={opened.group.name}
            onChange={reload}
          />
          <Confirm
            open={isOpen && opened.kind === 'delete'}
            onOpenChange={setOpen}
            title={STRINGS.removeTitle(opened.group.name)}
            description={STRINGS.removeConfirm}
            action={STRINGS.remove}
            cancel={STRINGS.keep}
            danger
            onConfirm={() => {
              const { id, name } = opened.group;
              void attempt(() => deleteGroup(id), STRINGS.removed(name)).then(reload);
            }}
          />
        </>
      )}
    </div>
  );
}
