'use client';

import clsx from 'clsx';
import { Search, X } from 'lucide-react';
import { type KeyboardEvent, useCallback, useEffect, useId, useMemo, useRef, useState } from 'react';
import { SnippetText } from '#components/chat/snippet-text';
import { IconButton } from '#components/ui/icon-button';
import { wordsOf } from '../chat/search-words.ts';
import { type PaletteCommand, searchCommands } from './command-search.ts';
import { recentCommands, rememberCommand } from './recent-commands.ts';
import { COMMAND_PALETTE_STRINGS as S } from './strings.ts';
import { type Commands, useCommands, useMessageCommands } from './use-commands.ts';

interface PaletteProps {
  /** Typed before the palette was loaded. */
  typed: string;
  hidesGateway: boolean;
  /** Closes the palette. `then` runs once it has closed. */
  onDone: (then?: () => void) => void;
  onShortcuts: () => void;
}

/** Readers refine the query rather than scroll further. */
const SHOWN = 40;
const RECENT_CHATS = 5;
const SHOWN_MESSAGES = 10;
const PAGE_STEP = 8;

/** Searches actions, models, and the titles and messages of all chats. */
export function Palette({ typed, hidesGateway, onDone, onShortcuts }: PaletteProps) {
  const [query, setQuery] = useState(typed);
  const [isChoosingModel, setChoosingModel] = useState(false);
  const [place, setPlace] = useState(0);
  const [recentIds] = useState(recentCommands);
  const list = useId();
  const field = useRef<HTMLInputElement>(null);
  const chosen = useRef<HTMLDivElement>(null);
  const search = useCallback((text: string) => {
    setQuery(text);
    setPlace(0);
  }, []);
  const switchModel = useCallback(() => {
    setChoosingModel(true);
    search('');
  }, [search]);
  const commands = useCommands({ hidesGateway, onShortcuts, onSwitchModel: switchModel });
  const messages = useMessageCommands(isChoosingModel ? '' : query);
  const isSearching = !isChoosingModel && messages.query !== wordsOf(query).join(' ');
  const found = useMemo(() => {
    if (isChoosingModel) return searchCommands(commands.models, query);
    if (query.trim() === '') return overview(commands, recentIds);
    const { actions, models, chats } = commands;
    const matching = searchCommands([...actions, ...models, ...chats], query, recentIds).slice(0, SHOWN);
    const ids = new Set(matching.map(({ href }) => href));
    // A chat that is listed by its title is not listed again.
    const inMessages = messages.commands.filter(({ href = '' }) => !ids.has(href.replace(/#.*$/, '')));
    return [...matching, ...inMessages.slice(0, SHOWN_MESSAGES)];
  }, [commands, messages.commands, query, isChoosingModel, recentIds]);
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
    if (command.group !== S.groupChats && command.group !== S.groupMessages) rememberCommand(command.id);
    if (command.staysOpen === true) return command.run();
    if (command.isLate === true) return onDone(command.run);
    onDone();
    command.run();
  };
  const openInNewTab = (command: PaletteCommand | undefined) => {
    if (command?.href === undefined) return run(command);
    onDone();
    window.open(command.href, '_blank', 'noopener');
  };
  const move = (step: number) => setPlace(Math.max(0, Math.min(found.length - 1, at + step)));
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === 'ArrowDown') setPlace((at + 1) % Math.max(1, found.length));
    else if (event.key === 'ArrowUp') setPlace((at - 1 + found.length) % Math.max(1, found.length));
    else if (event.key === 'PageDown') move(PAGE_STEP);
    else if (event.key === 'PageUp') move(-PAGE_STEP);
    else if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) openInNewTab(found[at]);
    else if (event.key === 'Enter') run(found[at]);
    else if (event.key === 'Backspace' && isChoosingModel && query === '') setChoosingModel(false);
    else return;
    event.preventDefault();
  };
  return (
    <>
      <div className="flex items-center gap-2 border-b px-2 pb-2">
        <Search className="size-4 shrink-0 text-ink-3" strokeWidth={1.75} aria-hidden />
        <input
          ref={field}
          role="combobox"
          aria-label={isChoosingModel ? S.searchModels : S.search}
          aria-expanded
          aria-controls={list}
          aria-activedescendant={found[at] === undefined ? undefined : `${list}-${found[at].id}`}
          value={query}
          placeholder={isChoosingModel ? S.searchModels : S.search}
          onChange={(event) => search(event.target.value)}
          onKeyDown={onKeyDown}
          autoComplete="off"
          spellCheck={false}
          className="h-9 min-w-0 flex-1 bg-transparent text-base outline-none placeholder:text-ink-3 pointer-coarse:h-10"
        />
        <IconButton label={S.close} shortcut={S.escape} side="bottom" onClick={() => onDone()}>
          <X className="size-4" aria-hidden />
        </IconButton>
      </div>
      <div
        id={list}
        role="listbox"
        aria-label={S.results}
        className="scroller max-h-[min(26rem,calc(85dvh-6rem))] pt-1"
      >
        {found.map((command, index) => (
          <Entry
            key={command.id}
            id={`${list}-${command.id}`}
            place={index === at ? chosen : null}
            command={command}
            heading={headingOf(command, found[index - 1], query.trim() === '')}
            selected={index === at}
            onPoint={() => setPlace(index)}
            onRun={() => run(command)}
          />
        ))}
      </div>
      <p role="status" className={clsx('px-2 text-ink-3 text-sm', found.length === 0 ? 'py-3' : 'sr-only')}>
        {isSearching ? S.searching : found.length === 0 ? S.noResults : ''}
      </p>
    </>
  );
}

/** What is listed before anything is typed. */
function overview({ actions, chats }: Commands, recentIds: readonly string[]): PaletteCommand[] {
  const recent = recentIds.flatMap((id): PaletteCommand[] => {
    const command = actions.find((action) => action.id === id);
    return command === undefined ? [] : [{ ...command, group: S.groupRecent }];
  });
  const others = actions.filter(({ id }) => !recentIds.includes(id));
  return [...recent, ...chats.slice(0, RECENT_CHATS), ...others];
}

/** Among search results only the messages have a heading: the others are in order of relevance. */
function headingOf(command: PaletteCommand, before: PaletteCommand | undefined, isOverview: boolean) {
  if (!isOverview && command.group !== S.groupMessages) return undefined;
  return command.group === before?.group ? undefined : command.group;
}

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
          'flex min-h-8 select-none flex-col justify-center rounded-md px-2 py-1 text-sm pointer-coarse:min-h-10',
          selected && 'bg-hover forced-colors:outline forced-colors:outline-2',
        )}
      >
        <span className="flex items-center justify-between gap-3">
          <span dir="auto" className="truncate">
            {command.label}
          </span>
          {command.hint === undefined ? null : (
            <span className="max-w-1/2 shrink-0 truncate text-ink-3 text-xs">{command.hint}</span>
          )}
        </span>
        {command.snippet === undefined ? null : (
          <span dir="auto" className="truncate text-ink-3 text-xs">
            <SnippetText snippet={command.snippet} />
          </span>
        )}
      </div>
    </>
  );
}
