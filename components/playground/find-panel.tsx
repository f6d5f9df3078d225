'use client';

import {
  closeSearchPanel,
  findNext,
  findPrevious,
  getSearchQuery,
  replaceAll,
  replaceNext,
  SearchQuery,
  setSearchQuery,
} from '@codemirror/search';
import type { EditorState } from '@codemirror/state';
import { type EditorView, type Panel, runScopeHandlers } from '@codemirror/view';
import clsx from 'clsx';
import {
  CaseSensitive,
  ChevronDown,
  ChevronRight,
  ChevronUp,
  type LucideIcon,
  Regex,
  WholeWord,
  X,
} from 'lucide-react';
import { useState } from 'react';
import { flushSync } from 'react-dom';
import { createRoot } from 'react-dom/client';
import { Button } from '#components/ui/button';
import { IconButton } from '#components/ui/icon-button';
import { tip } from '#components/ui/tooltip';
import { LAYOUT_STRINGS as STRINGS } from './layout-strings.ts';

/** More matches are not counted. */
const MAX_COUNTED = 999;
/** The editor moves the focus to the element with this attribute. */
const MAIN_FIELD = { 'main-field': 'true' };

/** CodeMirror's panel that finds and replaces, as a part of this page. */
export function createFindPanel(view: EditorView): Panel {
  const dom = document.createElement('div');
  const root = createRoot(dom);
  const draw = () => root.render(<FindPanel view={view} state={view.state} />);
  flushSync(draw);
  return {
    dom,
    top: true,
    mount: () => dom.querySelector('input')?.select(),
    update(update) {
      const isOther = update.transactions.some(({ effects }) => effects.some((effect) => effect.is(setSearchQuery)));
      if (isOther || update.docChanged || update.selectionSet) draw();
    },
    // React does not remove a root while it renders.
    destroy: () => queueMicrotask(() => root.unmount()),
  };
}

function FindPanel({ view, state }: { view: EditorView; state: EditorState }) {
  const query = getSearchQuery(state);
  const [isReplacing, setReplacing] = useState(query.replace !== '');
  const change = (part: Partial<SearchOptions>) => {
    const { search, replace, caseSensitive, regexp, wholeWord } = query;
    const next = new SearchQuery({ search, replace, caseSensitive, regexp, wholeWord, literal: true, ...part });
    view.dispatch({ effects: setSearchQuery.of(next) });
  };
  const isInvalid = query.search !== '' && !query.valid;
  return (
    <search
      aria-label={STRINGS.findAndReplace}
      className="flex items-start gap-1 p-1.5"
      onKeyDown={(event) => {
        if (runScopeHandlers(view, event.nativeEvent, 'search-panel')) event.preventDefault();
      }}
    >
      <IconButton
        label={isReplacing ? STRINGS.hideReplace : STRINGS.showReplace}
        side="bottom"
        aria-expanded={isReplacing}
        onClick={() => setReplacing(!isReplacing)}
      >
        {isReplacing ? <ChevronDown className="size-4" aria-hidden /> : <ChevronRight className="size-4" aria-hidden />}
      </IconButton>
      <div className="flex min-w-0 flex-1 flex-col gap-1.5">
        <div className="flex flex-wrap items-center gap-1">
          <input
            {...MAIN_FIELD}
            value={query.search}
            onChange={(event) => change({ search: event.target.value })}
            onKeyDown={(event) => {
              if (event.key !== 'Enter' || event.nativeEvent.isComposing) return;
              event.preventDefault();
              if (event.shiftKey) findPrevious(view);
              else findNext(view);
            }}
            aria-label={STRINGS.find}
            placeholder={STRINGS.find}
            aria-invalid={isInvalid}
            className={FIELD}
            {...PLAIN_TEXT}
          />
          <div className="flex items-center gap-1">
            <Toggle
              label={STRINGS.matchCase}
              icon={CaseSensitive}
              isOn={query.caseSensitive}
              onToggle={(caseSensitive) => change({ caseSensitive })}
            />
            <Toggle
              label={STRINGS.wholeWord}
              icon={WholeWord}
              isOn={query.wholeWord}
              onToggle={(wholeWord) => change({ wholeWord })}
            />
            <Toggle
              label={STRINGS.regularExpression}
              icon={Regex}
              isOn={query.regexp}
              onToggle={(regexp) => change({ regexp })}
            />
          </div>
          <span role="status" className={clsx('px-1 text-xs tabular', isInvalid ? 'text-error' : 'text-ink-2')}>
            {isInvalid ? STRINGS.invalidPattern : countText(state, query)}
          </span>
        </div>
        {isReplacing ? (
          <div className="flex flex-wrap items-center gap-1">
            <input
              value={query.replace}
              onChange={(event) => change({ replace: event.target.value })}
              onKeyDown={(event) => {
                if (event.key !== 'Enter' || event.nativeEvent.isComposing) return;
                event.preventDefault();
                replaceNext(view);
              }}
              aria-label={STRINGS.replaceWith}
              placeholder={STRINGS.replaceWith}
              className={FIELD}
              {...PLAIN_TEXT}
            />
            <Button size="sm" onClick={() => replaceNext(view)}>
              {STRINGS.replace}
            </Button>
            <Button size="sm" onClick={() => replaceAll(view)}>
              {STRINGS.replaceAll}
            </Button>
          </div>
        ) : null}
      </div>
      <div className="flex items-center">
        <IconButton
          label={STRINGS.previousMatch}
          shortcut="Shift+Enter"
          side="bottom"
          onClick={() => findPrevious(view)}
        >
          <ChevronUp className="size-4" aria-hidden />
        </IconButton>
        <IconButton label={STRINGS.nextMatch} shortcut="Enter" side="bottom" onClick={() => findNext(view)}>
          <ChevronDown className="size-4" aria-hidden />
        </IconButton>
        <IconButton
          label={STRINGS.closeFind}
          shortcut="Esc"
          side="bottom"
          onClick={() => {
            closeSearchPanel(view);
            view.focus();
          }}
        >
          <X className="size-4" aria-hidden />
        </IconButton>
      </div>
    </search>
  );
}

type SearchOptions = ConstructorParameters<typeof SearchQuery>[0];

const PLAIN_TEXT = { autoCapitalize: 'off', autoComplete: 'off', spellCheck: false, dir: 'ltr' } as const;
const FIELD =
  'h-8 min-w-28 max-w-96 flex-1 basis-40 rounded-md border border-line-strong bg-canvas px-2.5 font-mono text-ink text-sm outline-none placeholder:font-sans placeholder:text-ink-3 focus-visible:outline-2 focus-visible:outline-accent focus-visible:outline-offset-0 aria-invalid:border-error pointer-coarse:h-10';

interface ToggleProps {
  label: string;
  isOn: boolean;
  icon: LucideIcon;
  onToggle: (isOn: boolean) => void;
}

function Toggle({ label, isOn, icon: Icon, onToggle }: ToggleProps) {
  return (
    <button
      type="button"
      aria-label={label}
      aria-pressed={isOn}
      onClick={() => onToggle(!isOn)}
      className={clsx(
        'inline-flex size-8 shrink-0 items-center justify-center rounded-md transition-colors pointer-coarse:size-10',
        isOn
          ? 'bg-accent-soft text-accent forced-colors:outline forced-colors:outline-1'
          : 'text-ink-2 hover:bg-hover hover:text-ink',
      )}
      {...tip(label, undefined, 'bottom')}
    >
      <Icon className="size-4" strokeWidth={1.75} aria-hidden />
    </button>
  );
}

/** `2 of 12` where a match is selected, else `12 matches`. */
function countText(state: EditorState, query: SearchQuery): string {
  if (query.search === '') return '';
  const { from, to } = state.selection.main;
  const cursor = query.getCursor(state);
  let count = 0;
  let selected = 0;
  let step = cursor.next();
  for (; step.done !== true && count < MAX_COUNTED; step = cursor.next()) {
    count += 1;
    if (step.value.from === from && step.value.to === to) selected = count;
  }
  if (count === 0) return STRINGS.noMatches;
  const isMore = step.done !== true;
  return selected === 0 ? STRINGS.matches(count, isMore) : STRINGS.matchOf(selected, count, isMore);
}
