'use client';

import clsx from 'clsx';
import { type KeyboardEvent, type ReactNode, type RefObject, useEffect, useRef, useState } from 'react';
import { flushSync } from 'react-dom';
import { Resizer } from '#components/playground/resizer';
import type { CodeRun } from '../code-run/use-code-run.ts';
import { LAYOUT_STRINGS as STRINGS } from './layout-strings.ts';

/** What is shown where there is room for one part only (the variant `compact` of globals.css). */
export type View = 'code' | 'input' | 'output';
const VIEWS: readonly View[] = ['code', 'input', 'output'];
const COMPACT = '(width < 48rem) or (height < 30rem)';

export interface PanesState {
  view: View;
  /** The part is in the page when this returns. */
  show: (view: View) => void;
  /** The output has changed since it was last in view. */
  hasNews: boolean;
  tabs: RefObject<HTMLDivElement | null>;
}

/** Which part is shown, and whether there is new output meanwhile. */
export function usePanes(run: CodeRun): PanesState {
  const [view, setView] = useState<View>('code');
  const [hasNews, setNews] = useState(false);
  const tabs = useRef<HTMLDivElement>(null);
  const isRunning = run.state === 'running';
  useEffect(() => {
    if (view === 'output') setNews(false);
    else if (isRunning) setNews(true);
  }, [view, isRunning]);
  const show = (next: View) => {
    const focused = document.activeElement;
    flushSync(() => setView(next));
    // The part with the focus is hidden now: the keyboard goes on at the tabs.
    if (focused instanceof HTMLElement && focused !== document.body && !focused.checkVisibility())
      tabs.current?.querySelector<HTMLElement>('[aria-selected=true]')?.focus();
  };
  return { view, show, hasNews, tabs };
}

interface PanesProps extends PanesState {
  run: CodeRun;
  code: ReactNode;
  input: ReactNode;
  output: ReactNode;
}

/** Editor, inputs and output: side by side, one below the other, or as three tabs. */
export function Panes({ run, view, show, hasNews, tabs, code, input, output }: PanesProps) {
  const [share, setShare] = useState(0.56);
  const isCompact = useIsCompact();
  const panel = (name: View) =>
    isCompact ? { id: `pane-${name}`, role: 'tabpanel', 'aria-labelledby': `pane-tab-${name}` } : {};
  return (
    // The editor keeps eight lines where all of this does not fit: the page then scrolls.
    <div className="flex min-h-0 flex-1 flex-col compact:min-h-[17rem]">
      <ViewTabs view={view} show={show} tabs={tabs} mark={hasNews ? markOf(run) : undefined} />
      <div className="flex min-h-0 flex-1 flex-col side:flex-row" style={{ '--share': `${share * 100}%` }}>
        <div
          className={clsx(
            'flex min-h-0 min-w-0 flex-col stacked:h-[56%] side:w-(--share)',
            view === 'output' ? 'compact:hidden' : 'compact:flex-1',
          )}
        >
          <div {...panel('code')} className={clsx('flex min-h-0 flex-1 flex-col', view === 'code' || 'compact:hidden')}>
            {code}
          </div>
          <div
            {...panel('input')}
            className={clsx(
              'flex shrink-0 flex-col compact:min-h-0 compact:flex-1',
              view === 'input' || 'compact:hidden',
            )}
          >
            {input}
          </div>
        </div>
        <Resizer share={share} onShare={setShare} />
        <div
          {...panel('output')}
          className={clsx('min-h-0 min-w-0 flex-1 stacked:border-t', view === 'output' || 'compact:hidden')}
        >
          {output}
        </div>
      </div>
    </div>
  );
}

interface ViewTabsProps extends Pick<PanesState, 'view' | 'show' | 'tabs'> {
  mark: string | undefined;
}

function ViewTabs({ view, show, tabs, mark }: ViewTabsProps) {
  const onKeyDown = (event: KeyboardEvent) => {
    const at = VIEWS.indexOf(view);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: VIEWS.length - 1 }[event.key];
    const next = to === undefined ? undefined : VIEWS[(to + VIEWS.length) % VIEWS.length];
    if (next === undefined) return;
    event.preventDefault();
    show(next);
    tabs.current?.querySelector<HTMLElement>('[aria-selected=true]')?.focus();
  };
  return (
    <div
      ref={tabs}
      role="tablist"
      aria-label={STRINGS.views}
      className="hidden h-10 shrink-0 border-b px-2 md:px-3 compact:flex pointer-coarse:h-11"
    >
      {VIEWS.map((name) => (
        <button
          key={name}
          type="button"
          role="tab"
          id={`pane-tab-${name}`}
          aria-selected={name === view}
          aria-controls={`pane-${name}`}
          tabIndex={name === view ? 0 : -1}
          onClick={() => show(name)}
          onKeyDown={onKeyDown}
          className={clsx(
            '-mb-px flex min-w-0 flex-1 items-center justify-center gap-1.5 border-b-2 font-medium text-sm transition-colors focus-visible:outline-offset-[-2px]',
            name === view
              ? 'border-accent text-ink forced-colors:border-[Highlight]'
              : 'border-transparent text-ink-2 hover:text-ink',
          )}
        >
          {STRINGS[name]}
          {name === 'output' && mark !== undefined ? (
            <>
              <span className="size-2 rounded-full bg-accent forced-colors:bg-[Highlight]" aria-hidden />
              <span className="sr-only">{mark}</span>
            </>
          ) : null}
        </button>
      ))}
    </div>
  );
}

function markOf(run: CodeRun): string | undefined {
  if (run.state === 'idle') return undefined;
  return run.state === 'running' ? STRINGS.running : STRINGS.news;
}

/** The roles of tabs hold only where the tabs are shown. */
function useIsCompact(): boolean {
  const [isCompact, setCompact] = useState(false);
  useEffect(() => {
    const query = window.matchMedia(COMPACT);
    const read = () => setCompact(query.matches);
    read();
    query.addEventListener('change', read);
    return () => query.removeEventListener('change', read);
  }, []);
  return isCompact;
}
