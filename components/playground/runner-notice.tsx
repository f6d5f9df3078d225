'use client';

import { Button } from '#components/ui/button';
import { Notice } from '#components/ui/notice';
import { unavailableReason } from '#lib/browser/service-status';
import { findLanguageInfo } from '#lib/languages/infos';
import type { LanguageId, RunnerHealth } from '#lib/wire/code';
import { demoEngineOf } from '../code-run/demo/engines.ts';

interface RunnerNoticeProps {
  health: RunnerHealth | undefined;
  /** The runner is unavailable. */
  isUnavailable: boolean;
  language: LanguageId;
  onRetry: () => void;
}

/** Explains demo mode while the runner is unavailable, or warns of a missing sandbox. */
export function RunnerNotice({ health, isUnavailable, language, onRetry }: RunnerNoticeProps) {
  if (isUnavailable)
    return (
      <Notice
        kind="warn"
        className="m-2 shrink-0"
        action={
          <Button size="sm" onClick={onRetry}>
            Look again
          </Button>
        }
      >
        <strong className="font-semibold">Demo mode.</strong> {unavailableReason(health)} {instead(language)}
      </Notice>
    );
  if (health?.sandbox === 'none')
    return (
      <Notice kind="warn" className="m-2 shrink-0">
        Programs run without a sandbox here: run only code that you trust.
      </Notice>
    );
  return null;
}

function instead(language: LanguageId): string {
  const name = findLanguageInfo(language)?.name ?? language;
  return demoEngineOf(language) === undefined
    ? `A browser cannot run ${name}: you see what a sample writes.`
    : `${name} runs in this browser, without packages and without a network.`;
}
