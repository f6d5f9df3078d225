'use client';

import { useRef } from 'react';
import type { LocationLinks } from '#components/code-run/program-output';
import { RunMetrics, RunOutput, RunStatusBadge, runOutputText } from '#components/code-run/run-report';
import { CopyButton } from '#components/ui/copy-button';
import { usePinnedScroll } from '#lib/browser/use-pinned-scroll';
import type { CodeRun } from '../code-run/use-code-run.ts';

interface OutputPanelProps {
  run: CodeRun;
  onRetry: () => void;
  links: LocationLinks;
}

export function OutputPanel({ run, onRetry, links }: OutputPanelProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  usePinnedScroll(scroller, content);
  const text = runOutputText(run);
  return (
    <section aria-label="Output" className="flex h-full min-h-0 flex-col bg-sunken">
      <div className="flex h-10 shrink-0 items-center gap-2 border-b ps-4 pe-1">
        <h2 className="font-medium text-sm">Output</h2>
        <RunStatusBadge run={run} />
        <span className="flex-1" />
        {text === '' ? null : <CopyButton text={text} label="Copy the output" />}
      </div>
      <div ref={scroller} className="scroller min-h-0 flex-1" {...SCROLLABLE}>
        <div ref={content} className="flex min-h-full flex-col gap-3 p-4">
          {run.state === 'idle' ? (
            <p className="text-ink-3 text-sm">The program’s output appears here while it runs.</p>
          ) : (
            <RunOutput run={run} onRetry={onRetry} links={links} />
          )}
        </div>
      </div>
      {run.state === 'ended' ? (
        <div className="shrink-0 border-t px-4 py-2">
          <RunMetrics result={run.result} place={run.place} />
        </div>
      ) : null}
    </section>
  );
}

const SCROLLABLE = { tabIndex: 0, role: 'group', 'aria-label': 'What the program wrote' } as const;
