'use client';

import { Plus } from 'lucide-react';
import { useState } from 'react';
import { GroupField } from '#components/admin/group-select';
import { LimitsDialog } from '#components/admin/limits-dialog';
import { ListHead } from '#components/admin/list-head';
import { usageOf } from '#components/admin/usage-of';
import { CheckboxField } from '#components/people/field';
import { KeyForm } from '#components/people/key-form';
import { KeyList } from '#components/people/key-list';
import { LoadMore } from '#components/people/load-more';
import { LoadState } from '#components/people/load-state';
import { NewKey } from '#components/people/new-key';
import { EmptyList } from '#components/people/section';
import { PageLink } from '#components/shell/page-link';
import { Button, buttonClasses } from '#components/ui/button';
import { Dialog } from '#components/ui/dialog';
import type { AccessKey, CreatedKey, KeyScope } from '#lib/wire/people';
import { PEOPLE_STRINGS } from '../people/strings.ts';
import { useMe } from '../people/use-me.ts';
import { usePaged } from '../people/use-paged.ts';
import { createServiceKey, fetchAllKeys, PATHS, revokeAnyKey } from './admin-api.ts';
import { PEOPLE_ADMIN_STRINGS } from './strings/people.ts';
import { useGroups } from './use-groups.ts';

const { keys: STRINGS } = PEOPLE_ADMIN_STRINGS;
const { keys: KEY_STRINGS } = PEOPLE_STRINGS;
const SERVICE_SCOPES: readonly KeyScope[] = ['chat', 'code', 'gateway', 'stats'];

/** The keys of all people, and service keys of groups. */
export function AllKeys() {
  const list = usePaged(PATHS.keys, fetchAllKeys, (page) => page.keys);
  const [isCreating, setCreating] = useState(false);
  const [created, setCreated] = useState<CreatedKey>();
  const [limited, setLimited] = useState<AccessKey>();
  const [isLimitsOpen, setLimitsOpen] = useState(false);
  const { items, error } = list;
  const isEmpty = items?.length === 0 && created === undefined;
  return (
    <div className="flex flex-col gap-4">
      <ListHead hint={STRINGS.hint}>
        <Button onClick={() => setCreating(true)}>
          <Plus className="size-4" aria-hidden />
          {STRINGS.create}
        </Button>
      </ListHead>
      {created === undefined ? null : <NewKey created={created} onDone={() => setCreated(undefined)} />}
      <LoadState data={items} error={error} onRetry={list.reload} />
      {items === undefined ? null : isEmpty ? (
        <EmptyList title={STRINGS.empty} hint={STRINGS.emptyHint} />
      ) : (
        <KeyList
          keys={items}
          hasOwners
          more={(key) => (
            <>
              <PageLink
                href={usageOf({ kind: 'key', id: key.id })}
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
          onRevoke={revokeAnyKey}
          onDone={() => {
            setCreated(undefined);
            list.reload();
          }}
        />
      )}
      <LoadMore list={list} />
      {limited === undefined ? null : (
        <LimitsDialog
          open={isLimitsOpen}
          onOpenChange={setLimitsOpen}
          scope={{ kind: 'key', id: limited.id }}
          name={limited.name}
          onChange={list.reload}
        />
      )}
      <Dialog open={isCreating} onOpenChange={setCreating} title={STRINGS.title}>
        <ServiceKeyForm
          onCreated={(key) => {
            setCreating(false);
            setCreated(key);
            list.reload();
          }}
        />
      </Dialog>
    </div>
  );
}

function ServiceKeyForm({ onCreated }: { onCreated: (key: CreatedKey) => void }) {
  const { groups } = useGroups();
  const me = useMe().data?.user;
  const [chosen, setChosen] = useState<string>();
  const [trustsEndUsers, setTrustsEndUsers] = useState(false);
  // A manager sees the own group alone.
  const group = chosen ?? me?.group?.id ?? groups[0]?.id;
  if (group === undefined) return <p className="text-ink-2">{STRINGS.needsGroup}</p>;
  return (
    <div className="flex flex-col gap-4">
      <GroupField label={STRINGS.group} value={group} isRequired onChange={setChosen} />
      <CheckboxField
        label={STRINGS.endUsers}
        hint={STRINGS.endUsersHint}
        checked={trustsEndUsers}
        onChange={setTrustsEndUsers}
      />
      <KeyForm
        scopes={SERVICE_SCOPES}
        onCreate={(key) => createServiceKey(group, { ...key, ...(trustsEndUsers ? { trust_end_user: true } : {}) })}
        onCreated={onCreated}
      />
    </div>
  );
}
