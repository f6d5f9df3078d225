'use client';

import clsx from 'clsx';
import { type ReactNode, type RefObject, useEffect, useLayoutEffect, useRef } from 'react';
import type { LocationLinks } from '#components/code-run/program-output';
import {
  isCompilerOutput,
  RunMetrics,
  RunOutput,
  RunStatusBadge,
  runOutputText,
} from '#components/code-run/run-report';
import { CopyButton } from '#components/ui/copy-button';
import { usePinnedScroll } from '#lib/browser/use-pinned-scroll';
import { CODE_RUN_STRINGS as STRINGS } from './strings.ts';
import type { CodeRun } from './use-code-run.ts';

interface RunViewProps {
  run: CodeRun;
  /** `pane` fills its parent; `block` grows below a code block up to a height. */
  kind: 'pane' | 'block';
  /** The name of the region. */
  label: string;
  onRetry: () => void;
  links?: LocationLinks;
  input: { asked: string; reads: string; action: string; onOpen: () => void };
  /** Shown before the first run. */
  placeholder?: ReactNode;
  /** Buttons at the end of the head. */
  actions?: ReactNode;
}

/** The result of a run: its state, its output, and its figures. The same wherever programs run. */
export function RunView({ run, kind, label, onRetry, links, input, placeholder, actions }: RunViewProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  useOutputScroll(run, scroller, content);
  const text = runOutputText(run);
  const isPane = kind === 'pane';
  return (
    <section
      aria-label={label}
      className={clsx('flex flex-col', isPane ? 'h-full min-h-0 bg-sunken' : 'border-t bg-canvas')}
    >
      <div
        className={clsx(
          'flex shrink-0 items-center gap-x-2',
          isPane ? 'min-h-10 border-b ps-4 pe-1 pointer-coarse:min-h-11' : 'min-h-9 ps-3 pe-0.5',
          // The tab has the same name, and there is no state yet.
          isPane && run.state === 'idle' && 'compact:hidden',
        )}
      >
        <span className="flex min-h-8 min-w-0 items-center gap-2">
          {isPane ? (
            <h2 className="font-medium text-sm compact:sr-only">{STRINGS.output}</h2>
          ) : (
            <span className="shrink-0 text-ink-2 text-xs max-sm:sr-only">{STRINGS.output}</span>
          )}
          <RunStatusBadge run={run} />
        </span>
        <span className="ms-auto flex shrink-0 items-center">
          {text === '' ? null : <CopyButton text={text} label={STRINGS.copyOutput} />}
          {actions}
        </span>
      </div>
      <div ref={scroller} className={clsx('scroller', isPane ? 'min-h-0 flex-1' : 'max-h-80')} {...SCROLLABLE}>
        <div ref={content} className={clsx('flex flex-col gap-3', isPane ? 'min-h-full p-4' : 'px-3 pb-3')}>
          {run.state === 'idle' ? placeholder : <RunOutput run={run} onRetry={onRetry} links={links} input={input} />}
        </div>
      </div>
      {run.state === 'ended' ? (
        <div className={clsx('shrink-0', isPane ? 'border-t px-4 py-2' : 'px-3 pb-2.5')}>
          <RunMetrics result={run.result} place={run.place} />
        </div>
      ) : null}
    </section>
  );
}

/** Output is followed to its end while the reader is there; a compiler's is shown from its top. */
function useOutputScroll(
  run: CodeRun,
  scroller: RefObject<HTMLElement | null>,
  content: RefObject<HTMLElement | null>,
): void {
  const isFromTop = isCompilerOutput(run) || run.state === 'sample';
  const { scrollToEnd, release } = usePinnedScroll(scroller, content);
  useLayoutEffect(() => {
    if (!isFromTop || scroller.current === null) return;
    release();
    scroller.current.scrollTop = 0;
  }, [isFromTop, scroller, release]);
  const isRunning = run.state === 'running';
  useEffect(() => {
    if (isRunning) scrollToEnd();
  }, [isRunning, scrollToEnd]);
}

const SCROLLABLE = { tabIndex: 0, role: 'group', 'aria-label': STRINGS.scroller } as const;
