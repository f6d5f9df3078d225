'use client';

import { CornerDownLeft, Play, Square, X } from 'lucide-react';
import { useContext, useState } from 'react';
import { RunMetrics, RunOutput, RunStatusBadge, runOutputText } from '#components/code-run/run-report';
import { AskContext } from '#components/markdown/ask-context';
import { HighlightedCode } from '#components/markdown/highlighted-code';
import { Button } from '#components/ui/button';
import { CopyButton } from '#components/ui/copy-button';
import { IconButton } from '#components/ui/icon-button';
import { Notice } from '#components/ui/notice';
import { TurnIcon } from '#components/ui/turn-icon';
import { unavailableReason } from '#lib/browser/service-status';
import { findLanguageInfo } from '#lib/languages/infos';
import type { RunnerHealth } from '#lib/wire/code';
import { demoEngineOf } from '../code-run/demo/engines.ts';
import { toFragment } from '../code-run/program-link.ts';
import type { CodeRun } from '../code-run/use-code-run.ts';
import { useProgramRun } from '../code-run/use-program-run.ts';
import { fenceLanguage, languageOfFence } from './fence-names.ts';

interface CodeBlockProps {
  code: string;
  language: string;
  /** The block is still growing. */
  isOpen: boolean;
}

/**
 * A code block of a response. It is highlighted once its fence has closed, so that nothing
 * flickers.
 */
export function CodeBlock({ code, language, isOpen }: CodeBlockProps) {
  const isComplete = !isOpen;
  const { run, execute, stop, clear, health, isUnavailable, recheckRunner } = useProgramRun();
  const [isBlocked, setBlocked] = useState(false);
  const name = fenceLanguage(language);
  const written = languageOfFence(language);
  const isOffered = written !== undefined && (written.isOptIn !== true || health?.languages.includes(written.id));
  const info = isOffered ? written : findLanguageInfo(written?.fallback ?? '');
  const id = info?.id ?? name;
  const canRun = isRunnable(id, health, isUnavailable) && isComplete && code.trim() !== '';
  const runProgram = () => setBlocked(!execute({ language: id, code }));
  return (
    <div className="code-block overflow-hidden rounded-md border bg-sunken" dir="ltr">
      <div className="flex h-9 items-center gap-0.5 border-b ps-3 pe-0.5">
        <span className="min-w-0 flex-1 truncate text-ink-2 text-xs">
          {(isOffered ? info?.name : undefined) ?? (language === '' ? 'text' : language)}
        </span>
        {canRun && run.state !== 'running' ? (
          <Button kind="quiet" size="sm" onClick={runProgram}>
            <Play className="size-3 fill-current" aria-hidden />
            Run
          </Button>
        ) : null}
        {run.state === 'running' ? (
          <Button kind="quiet" size="sm" onClick={stop}>
            <Square className="size-2.5 fill-current" aria-hidden />
            Stop
          </Button>
        ) : null}
        {info !== undefined && isComplete ? (
          <IconButton label="Open in the playground" onClick={() => void openInPlayground(id, code)}>
            <TurnIcon name="external-link" />
          </IconButton>
        ) : null}
        <CopyButton text={code} label="Copy the code" />
      </div>
      <HighlightedCode code={code} label="Code" language={isComplete ? name : undefined} />
      {isBlocked ? (
        <RunnerUnavailable
          language={info?.name ?? language}
          health={health}
          isUnavailable={isUnavailable}
          onRecheck={recheckRunner}
          onRun={runProgram}
        />
      ) : null}
      {run.state === 'idle' || isBlocked ? null : <Result run={run} onRetry={runProgram} onClose={clear} />}
    </div>
  );
}

/** While the runner is unavailable: its last known languages, and those of demo mode. */
function isRunnable(id: string, health: RunnerHealth | undefined, isUnavailable: boolean): boolean {
  const installed = health?.languages ?? [];
  if (installed.length > 0)
    return installed.some((language) => language === id) || (isUnavailable && demoEngineOf(id) !== undefined);
  return isUnavailable && findLanguageInfo(id) !== undefined;
}

interface RunnerUnavailableProps {
  language: string;
  health: RunnerHealth | undefined;
  isUnavailable: boolean;
  onRecheck: () => void;
  onRun: () => void;
}

/** Takes the place of the output if the program needs an unavailable runner. */
function RunnerUnavailable({ language, health, isUnavailable, onRecheck, onRun }: RunnerUnavailableProps) {
  return (
    <div role="status" className="border-t bg-canvas p-2">
      {isUnavailable ? (
        <Notice
          kind="warn"
          action={
            <Button size="sm" onClick={onRecheck}>
              Look again
            </Button>
          }
        >
          {unavailableReason(health)} A browser cannot run {language}: it runs when the runner is back.
        </Notice>
      ) : (
        <Notice
          action={
            <Button size="sm" onClick={onRun}>
              Run now
            </Button>
          }
        >
          The code runner is back.
        </Notice>
      )}
    </div>
  );
}

interface ResultProps {
  run: CodeRun;
  onRetry: () => void;
  onClose: () => void;
}

function Result({ run, onRetry, onClose }: ResultProps) {
  const ask = useContext(AskContext);
  const isOver = run.state === 'ended' || run.state === 'stopped';
  return (
    <section aria-label="Output of the program" className="border-t bg-canvas">
      <div className="flex min-h-9 flex-wrap items-center gap-x-2 ps-3 pe-0.5">
        <span className="flex min-h-8 items-center gap-2">
          <span className="shrink-0 text-ink-2 text-xs">Output</span>
          <RunStatusBadge run={run} />
        </span>
        <span className="ms-auto flex items-center gap-2">
          {isOver && ask !== undefined ? (
            <Button kind="quiet" size="sm" onClick={() => ask(questionAbout(run))}>
              <CornerDownLeft className="size-3" aria-hidden />
              Send to the model
            </Button>
          ) : null}
          <IconButton label="Close the output" onClick={onClose}>
            <X className="size-4" strokeWidth={1.75} aria-hidden />
          </IconButton>
        </span>
      </div>
      <div className="scroller flex max-h-80 flex-col gap-3 px-3 pb-3" {...OUTPUT}>
        <RunOutput run={run} onRetry={onRetry} />
        {run.state === 'ended' ? <RunMetrics result={run.result} place={run.place} /> : null}
      </div>
    </section>
  );
}

const OUTPUT = { tabIndex: 0, role: 'group', 'aria-label': 'What the program wrote' } as const;
/** Output is cut in the middle to this length before the model gets it. */
const KEPT_CHARACTERS = 4_000;

function questionAbout(run: CodeRun): string {
  const text = runOutputText(run);
  const half = KEPT_CHARACTERS / 2;
  const kept =
    text.length <= KEPT_CHARACTERS
      ? text
      : `${text.slice(0, half)}\n[… ${text.length - KEPT_CHARACTERS} characters …]\n${text.slice(-half)}`;
  const fence = /`{3,}/.test(kept) ? '~~~~' : '```';
  const place = run.state === 'ended' && run.place === 'browser' ? ' in a browser' : '';
  const code = run.state === 'ended' ? ` It ended with exit code ${run.result.exit_code}.` : '';
  return kept.trim() === ''
    ? `I ran the program${place}. It wrote nothing.${code}`
    : `I ran the program${place}.${code} Its output:\n\n${fence}\n${kept.trimEnd()}\n${fence}`;
}

async function openInPlayground(language: string, code: string): Promise<void> {
  const fragment = await toFragment({ language, code });
  window.open(`/playground#${fragment}`, '_blank', 'noopener');
}
