'use client';

import clsx from 'clsx';
import { useRouter } from 'next/navigation';
import { type KeyboardEvent, useEffect, useId, useMemo, useRef, useState } from 'react';
import { dayGroup } from '#lib/browser/format';
import { chatStore, useChatField } from '../chat/use-chat.ts';
import { THEMES } from '../shell/theme.ts';
import { applyTheme } from '../shell/use-theme.ts';
import { type PaletteCommand, searchCommands } from './command-search.ts';
import { keyName } from './keyboard-shortcuts.ts';

interface PaletteProps {
  /** Typed before the palette was loaded. */
  typed: string;
  onDone: () => void;
  onShortcuts: () => void;
}

/** Searches pages, appearance and conversations. */
export function Palette({ typed, onDone, onShortcuts }: PaletteProps) {
  const commands = useCommands(onShortcuts);
  const [query, setQuery] = useState(typed);
  const [place, setPlace] = useState(0);
  const list = useId();
  const field = useRef<HTMLInputElement>(null);
  const chosen = useRef<HTMLDivElement>(null);
  const found = useMemo(() => searchCommands(commands, query).slice(0, SHOWN), [commands, query]);
  const at = Math.min(place, found.length - 1);

  // The dialog focuses its first button, which precedes the palette's code.
  useEffect(() => {
    const frame = requestAnimationFrame(() => field.current?.focus());
    return () => cancelAnimationFrame(frame);
  }, []);

  // Keeps the entry that the arrow keys reached in view.
  useEffect(() => {
    if (at >= 0) chosen.current?.scrollIntoView({ block: 'nearest' });
  }, [at]);

  const run = (command: PaletteCommand | undefined) => {
    if (command === undefined) return;
    onDone();
    command.run();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'ArrowDown') setPlace((at + 1) % Math.max(1, found.length));
    else if (event.key === 'ArrowUp') setPlace((at - 1 + found.length) % Math.max(1, found.length));
    else if (event.key === 'Enter' && !event.nativeEvent.isComposing) run(found[at]);
    else return;
    event.preventDefault();
  };
  return (
    <div className="-mx-2 -mb-2">
      <input
        ref={field}
        role="combobox"
        aria-label="What to do"
        aria-expanded
        aria-controls={list}
        aria-activedescendant={found[at] === undefined ? undefined : `${list}-${found[at].id}`}
        value={query}
        placeholder="Type a command or a title"
        onChange={(event) => {
          setQuery(event.target.value);
          setPlace(0);
        }}
        onKeyDown={onKeyDown}
        className="h-10 w-full rounded-md border border-line-strong bg-canvas px-3 text-base outline-none placeholder:text-ink-3"
      />
      <div id={list} role="listbox" aria-label="Commands" className="scroller mt-2 max-h-[min(22rem,50dvh)]">
        {found.map((command, index) => (
          <Entry
            key={command.id}
            id={`${list}-${command.id}`}
            place={index === at ? chosen : null}
            command={command}
            heading={query.trim() !== '' || command.group === found[index - 1]?.group ? undefined : command.group}
            selected={index === at}
            onPoint={() => setPlace(index)}
            onRun={() => run(command)}
          />
        ))}
      </div>
      {found.length === 0 ? <p className="px-2 py-3 text-ink-3 text-sm">Nothing is called that.</p> : null}
    </div>
  );
}

/** Readers refine the query rather than scroll further. */
const SHOWN = 40;

interface EntryProps {
  id: string;
  place: React.RefObject<HTMLDivElement | null> | null;
  command: PaletteCommand;
  heading: string | undefined;
  selected: boolean;
  onPoint: () => void;
  onRun: () => void;
}

function Entry({ id, place, command, heading, selected, onPoint, onRun }: EntryProps) {
  return (
    <>
      {heading === undefined ? null : (
        <div role="presentation" className="px-2 pt-2 pb-1 text-ink-3 text-xs">
          {heading}
        </div>
      )}
      {/* The input keeps the focus and handles the keys. */}
      <div
        id={id}
        ref={place}
        role="option"
        aria-selected={selected}
        tabIndex={-1}
        onPointerMove={onPoint}
        onClick={onRun}
        onKeyDown={onRun}
        className={clsx(
          'flex min-h-8 select-none items-center justify-between gap-3 rounded-md px-2 py-1 text-sm pointer-coarse:min-h-10',
          selected && 'bg-hover',
        )}
      >
        <span dir="auto" className="truncate">
          {command.label}
        </span>
        {command.hint === undefined ? null : <span className="shrink-0 text-ink-3 text-xs">{command.hint}</span>}
      </div>
    </>
  );
}

function useCommands(onShortcuts: () => void): PaletteCommand[] {
  const router = useRouter();
  const conversations = useChatField('conversations');
  const ready = useChatField('ready');
  useEffect(() => {
    if (!ready) void chatStore().load();
  }, [ready]);
  return useMemo(() => {
    const mod = keyName('Mod', navigator.platform);
    const now = Date.now();
    return [
      { id: 'new', group: 'Go to', label: 'New chat', hint: `${mod} Shift O`, run: () => router.push('/') },
      { id: 'playground', group: 'Go to', label: 'Playground', run: () => router.push('/playground') },
      { id: 'dashboard', group: 'Go to', label: 'Dashboard', run: () => router.push('/dashboard') },
      { id: 'gateway', group: 'Go to', label: 'Gateway', run: () => router.push('/gateway') },
      ...THEMES.map((theme) => ({
        id: `theme-${theme}`,
        group: 'Appearance',
        label: `${theme.charAt(0).toUpperCase()}${theme.slice(1)} appearance`,
        run: () => applyTheme(theme),
      })),
      { id: 'api', group: 'Help', label: 'API reference', run: () => router.push('/docs/api') },
      { id: 'shortcuts', group: 'Help', label: 'Keyboard shortcuts', hint: '?', run: onShortcuts },
      ...conversations.map(({ id, title, updatedAt }) => ({
        id,
        group: 'Conversations',
        label: title,
        hint: dayGroup(updatedAt, now),
        run: () => router.push(`/?c=${encodeURIComponent(id)}`),
      })),
    ];
  }, [router, conversations, onShortcuts]);
}
