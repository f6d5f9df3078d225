'use client';

import { Play, Square } from 'lucide-react';
import { useCallback, useContext, useState } from 'react';
import { BlockIndexContext } from '#components/markdown/block-index-context';
import { HighlightedCode } from '#components/markdown/highlighted-code';
import { LazyRunResult } from '#components/markdown/lazy-run-result';
import { Button } from '#components/ui/button';
import { CopyButton } from '#components/ui/copy-button';
import { IconButton } from '#components/ui/icon-button';
import { Notice } from '#components/ui/notice';
import { TurnIcon } from '#components/ui/turn-icon';
import { unavailableReason } from '#lib/browser/service-status';
import { findLanguageInfo } from '#lib/languages/infos';
import type { CodeRequest, RunnerHealth } from '#lib/wire/code';
import { demoEngineOf } from '../code-run/demo/engines.ts';
import { mainFileName } from '../code-run/main-file-name.ts';
import { toFragment } from '../code-run/program-link.ts';
import { RunPlaceContext } from '../code-run/run-place.ts';
import type { CodeRun } from '../code-run/use-code-run.ts';
import { forgetRun, keepRun, useKeptRun } from '../code-run/use-kept-run.ts';
import { useProgramRun } from '../code-run/use-program-run.ts';
import { CODE_BLOCK_STRINGS as STRINGS } from './code-block-strings.ts';
import { fenceLabel, fenceLanguage, languageOfFence } from './fence-names.ts';

interface CodeBlockProps {
  code: string;
  language: string;
  /** The block is still growing. */
  isOpen: boolean;
  /** Its place in the Markdown block that it belongs to. */
  offset?: number | undefined;
}

/**
 * A code block of a response. It is highlighted once its fence has closed, so that nothing
 * flickers.
 */
export function CodeBlock({ code, language, isOpen, offset = 0 }: CodeBlockProps) {
  const isComplete = !isOpen;
  const place = useContext(RunPlaceContext);
  const index = useContext(BlockIndexContext);
  const key = place === undefined ? undefined : `${place}/${index}.${offset}`;
  const keep = useCallback(
    (program: CodeRequest, ended: CodeRun) => {
      if (key !== undefined) keepRun(key, program.code, ended);
    },
    [key],
  );
  const { run, execute, stop, clear, restore, health, isUnavailable, recheckRunner } = useProgramRun(keep);
  const [isBlocked, setBlocked] = useState(false);
  const name = fenceLanguage(language);
  const written = languageOfFence(language);
  const isOffered = written !== undefined && (written.isOptIn !== true || health?.languages.includes(written.id));
  const info = isOffered ? written : findLanguageInfo(written?.fallback ?? '');
  const id = info?.id ?? name;
  const canRun = isRunnable(id, health, isUnavailable) && isComplete && code.trim() !== '';
  const runProgram = () => setBlocked(!execute({ language: id, code }));
  useKeptRun(isComplete && info !== undefined ? key : undefined, code, run, restore);
  const close = () => {
    clear();
    if (key !== undefined) forgetRun(key);
  };
  const openPlayground = () => void openInPlayground(id, code);
  return (
    <div className="code-block overflow-hidden rounded-md border bg-sunken" dir="ltr">
      <div className="flex h-9 items-center gap-0.5 border-b ps-3 pe-0.5">
        <span className="min-w-0 flex-1 truncate text-ink-2 text-xs">
          {(isOffered ? info?.name : undefined) ?? (language === '' ? STRINGS.plainText : fenceLabel(language))}
        </span>
        {canRun && run.state !== 'running' ? (
          <Button kind="quiet" size="sm" onClick={runProgram}>
            <Play className="size-3 fill-current" aria-hidden />
            {STRINGS.run}
          </Button>
        ) : null}
        {run.state === 'running' ? (
          <Button kind="quiet" size="sm" onClick={stop}>
            <Square className="size-2.5 fill-current" aria-hidden />
            {STRINGS.stop}
          </Button>
        ) : null}
        {info !== undefined && isComplete ? (
          <IconButton label={STRINGS.openPlayground} onClick={openPlayground}>
            <TurnIcon name="external-link" />
          </IconButton>
        ) : null}
        <CopyButton text={code} label={STRINGS.copy} />
      </div>
      <HighlightedCode code={code} label={STRINGS.code} language={isComplete ? name : undefined} />
      {isBlocked ? (
        <RunnerUnavailable
          language={info?.name ?? language}
          health={health}
          isUnavailable={isUnavailable}
          onRecheck={recheckRunner}
          onRun={runProgram}
        />
      ) : null}
      {run.state === 'idle' || isBlocked ? null : (
        <LazyRunResult
          run={run}
          file={mainFileName(info?.id)}
          onRetry={runProgram}
          onClose={close}
          onOpenPlayground={openPlayground}
        />
      )}
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
              {STRINGS.retry}
            </Button>
          }
        >
          {unavailableReason(health)} {STRINGS.cannotRun(language)}
        </Notice>
      ) : (
        <Notice
          action={
            <Button size="sm" onClick={onRun}>
              {STRINGS.runNow}
            </Button>
          }
        >
          {STRINGS.runnerIsBack}
        </Notice>
      )}
    </div>
  );
}

async function openInPlayground(language: string, code: string): Promise<void> {
  const fragment = await toFragment({ language, code });
  window.open(`/playground#${fragment}`, '_blank', 'noopener');
}
