'use client';

import { type ReactNode, useState } from 'react';
import { Badge } from '#components/ui/badge';
import { Button } from '#components/ui/button';
import { Confirm } from '#components/ui/dialog';
import { formatAgo, formatUntil } from '#lib/browser/format-date';
import { showToast } from '#lib/browser/toasts';
import type { AccessKey } from '#lib/wire/people';
import { failureSentence, revokeKey } from './people-api.ts';
import { PEOPLE_STRINGS } from './strings.ts';
import { useNow } from './use-now.ts';

const { keys: STRINGS } = PEOPLE_STRINGS;

interface KeyListProps {
  keys: readonly AccessKey[];
  /** Revokes a key of another person. @default the own keys' route */
  onRevoke?: (id: string) => Promise<void>;
  /** What else can be done with a key. */
  more?: (key: AccessKey) => ReactNode;
  /** Shows whose they are. */
  hasOwners?: boolean;
  /** A key was revoked, or could not be. */
  onDone: () => void;
}

/** Keys with what they may do, when they end and when they were used. Each can be revoked. */
export function KeyList({ keys, onRevoke = revokeKey, more, hasOwners = false, onDone }: KeyListProps) {
  const now = useNow();
  const [chosen, setChosen] = useState<AccessKey>();
  const [open, setOpen] = useState(false);
  const revoke = async ({ id, name }: AccessKey) => {
    try {
      await onRevoke(id);
      showToast({ text: STRINGS.revoked(name) });
    } catch (error) {
      showToast({ kind: 'error', text: failureSentence(error) });
    }
    onDone();
  };
  return (
    <>
      <ul className="flex flex-col">
        {keys.map((key) => (
          <li key={key.id} className="flex min-w-0 flex-wrap items-center gap-x-4 gap-y-1 border-t py-2.5 text-sm">
            <KeyText accessKey={key} now={now} hasOwner={hasOwners} />
            <div className="flex gap-1">
              {more?.(key)}
              <Button
                size="sm"
                aria-label={STRINGS.revokeKey(key.name)}
                onClick={() => {
                  setChosen(key);
                  setOpen(true);
                }}
              >
                {STRINGS.revoke}
              </Button>
            </div>
          </li>
        ))}
      </ul>
      <Confirm
        open={open}
        onOpenChange={setOpen}
        title={STRINGS.confirmTitle(chosen?.name ?? '')}
        description={STRINGS.confirm}
        action={STRINGS.revoke}
        cancel={STRINGS.keep}
        danger
        onConfirm={() => {
          if (chosen !== undefined) void revoke(chosen);
        }}
      />
    </>
  );
}

interface KeyTextProps {
  accessKey: AccessKey;
  now: number;
  hasOwner: boolean;
}

function KeyText({ accessKey: key, now, hasOwner }: KeyTextProps) {
  const { expires_at: expiresAt, last_used_at: lastUsedAt } = key;
  const isExpired = expiresAt !== null && Date.parse(expiresAt) <= now;
  const limitCount = Object.values(key.limits ?? {}).filter((limit) => (limit ?? 0) > 0).length;
  const owner = hasOwner ? (key.owner?.name ?? key.group?.name) : undefined;
  const facts = [
    owner,
    key.scopes.map(PEOPLE_STRINGS.scope).join(', '),
    key.models === null ? STRINGS.allModels : STRINGS.modelCount(key.models.length),
    expiresAt === null ? STRINGS.noExpiry : isExpired ? undefined : STRINGS.expiresOn(formatUntil(expiresAt, now)),
    key.trust_end_user === true ? STRINGS.endUsers : undefined,
    limitCount === 0 ? undefined : STRINGS.limitCount(limitCount),
    lastUsedAt === null ? STRINGS.neverUsed : STRINGS.lastUsed(formatAgo(lastUsedAt, now)),
  ].filter((fact) => fact !== undefined && fact !== '');
  return (
    <div className="min-w-[min(14rem,100%)] flex-1">
      <p className="flex flex-wrap items-center gap-x-2">
        <span className="min-w-0 font-medium [overflow-wrap:anywhere]">{key.name}</span>
        <code className="font-mono text-ink-3 text-xs">{key.prefix}…</code>
        {isExpired ? <Badge tone="warn">{STRINGS.expired}</Badge> : null}
      </p>
      <p className="text-ink-2 text-xs [overflow-wrap:anywhere]">{facts.join(' · ')}</p>
    </div>
  );
}
