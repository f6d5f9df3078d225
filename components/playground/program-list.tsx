'use client';

import { Copy, Ellipsis, Pencil, Trash2 } from 'lucide-react';
import { useState, useSyncExternalStore } from 'react';
import { ICON_BUTTON } from '#components/ui/icon-button';
import { Menu } from '#components/ui/menu';
import { NameForm } from '#components/ui/name-form';
import { dayGroup } from '#lib/browser/format';
import { findLanguageInfo } from '#lib/languages/infos';
import { programNameError, type StoredProgram } from './program.ts';
import { deleteProgram, duplicateProgram, otherNames, renameProgram } from './program-actions.ts';
import { programs } from './programs.ts';
import { PROGRAM_STRINGS as S } from './strings.ts';

/** So many are seen without a search. */
const FEW = 8;

/** All saved programs of this browser. */
export function ProgramList({ onOpen }: { onOpen: (id: string) => void }) {
  const [query, setQuery] = useState('');
  const [renaming, setRenaming] = useState<string>();
  // Counts the changes: a list that is new for each look would be drawn without end.
  useSyncExternalStore(subscribe, changes, changes);
  const all = programs().storage.list();
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const found = all.filter(({ program }) => {
    const text = `${program.name} ${languageName(program.language)}`.toLowerCase();
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
      {all.length === 0 ? <p className="text-ink-2">{S.noPrograms}</p> : null}
      {all.length > 0 && found.length === 0 ? <p className="py-2 text-ink-3">{S.noMatch(query.trim())}</p> : null}
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
                  {S.editedAt(languageName(stored.program.language), dayGroup(stored.editedAt, now))}
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
      <p className="text-ink-3 text-xs">{S.storedHere}</p>
    </div>
  );
}

function languageName(language: StoredProgram['program']['language']): string {
  return findLanguageInfo(language)?.name ?? language;
}

const subscribe = (listener: () => void) => programs().store.subscribe(listener);
const changes = () => programs().store.changes();
