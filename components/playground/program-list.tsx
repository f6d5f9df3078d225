'use client';

import { Copy, Ellipsis, Pencil, Trash2 } from 'lucide-react';
import { useState, useSyncExternalStore } from 'react';
import { ICON_BUTTON } from '#components/ui/icon-button';
import { Menu } from '#components/ui/menu';
import { NameForm } from '#components/ui/name-form';
import { dayGroup } from '#lib/browser/format';
import { programNameError } from './program.ts';
import { deleteProgram, duplicateProgram, otherNames, renameProgram } from './program-actions.ts';
import { languageText, listPrograms } from './program-listing.ts';
import { programs } from './programs.ts';
import { PROGRAM_STRINGS as S } from './strings.ts';

/** So many are seen without a search. */
const FEW = 8;

/** All saved programs of this browser, and the one of this tab. */
export function ProgramList({ onOpen }: { onOpen: (id: string) => void }) {
  const [query, setQuery] = useState('');
  const [renaming, setRenaming] = useState<string>();
  // Counts the changes: a list that is new for each look would be drawn without end.
  useSyncExternalStore(subscribe, changes, changes);
  const all = listPrograms(programs().storage.list(), programs().store.tab());
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const found = all.filter((listed) => {
    const text = `${listed.program.name} ${languageText(listed)}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
  const now = Date.now();
  return (
    <div className="flex flex-col gap-2">
      {all.length <= FEW ? null : (
        <input
          type="search"
          value={query}
          onChange={(event) => setQuery(event.target.value)}
          aria-label={S.findProgram}
          placeholder={S.findProgram}
          className="h-9 w-full rounded-md border border-line-strong bg-canvas px-3 text-sm outline-none placeholder:text-ink-3 pointer-coarse:h-10"
        />
      )}
      {found.length === 0 ? <p className="py-2 text-ink-3">{S.noMatch(query.trim())}</p> : null}
      <ul className="scroller -mx-2 max-h-[min(24rem,55dvh)]">
        {found.map((stored) =>
          stored.program.id === renaming ? (
            <li key={stored.program.id} className="px-2 py-2">
              <NameForm
                label={S.name}
                name={stored.program.name}
                errorOf={(name) => programNameError(name, otherNames(stored.program.id))}
                action={S.renameAction}
                onName={(name) => renameProgram(stored.program.id, name)}
                onDone={() => setRenaming(undefined)}
              />
            </li>
          ) : (
            <li key={stored.program.id} className="flex items-center gap-1 rounded-md px-2 hover:bg-hover">
              <button
                type="button"
                onClick={() => onOpen(stored.program.id)}
                className="flex min-h-11 min-w-0 grow flex-col justify-center py-1 text-start"
              >
                <span dir="auto" className="w-full truncate">
                  {stored.program.name}
                </span>
                <span className="text-ink-3 text-xs">
                  {stored.editedAt === undefined
                    ? languageText(stored)
                    : S.editedAt(languageText(stored), dayGroup(stored.editedAt, now))}
                </span>
              </button>
              <Menu
                trigger={
                  <button type="button" aria-label={S.moreFor(stored.program.name)} className={ICON_BUTTON}>
                    <Ellipsis className="size-4" strokeWidth={1.75} aria-hidden />
                  </button>
                }
                items={[
                  {
                    label: S.rename,
                    icon: <Pencil className="size-4" aria-hidden />,
                    onSelect: () => setRenaming(stored.program.id),
                  },
                  {
                    label: S.duplicate,
                    icon: <Copy className="size-4" aria-hidden />,
                    onSelect: () => duplicateProgram(stored.program.id),
                  },
                  {
                    label: S.delete,
                    icon: <Trash2 className="size-4" aria-hidden />,
                    danger: true,
                    onSelect: () => deleteProgram(stored.program.id),
                  },
                ]}
              />
            </li>
          ),
        )}
      </ul>
      <p className="text-ink-3 text-xs">
        {all.every(({ editedAt }) => editedAt === undefined) ? `${S.noPrograms} ` : ''}
        {S.storedHere}
      </p>
    </div>
  );
}

const subscribe = (listener: () => void) => programs().store.subscribe(listener);
const changes = () => programs().store.changes();
