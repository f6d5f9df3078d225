'use client';

import { Button } from '#components/ui/button';
import { Notice } from '#components/ui/notice';
import { unavailableReason } from '#lib/browser/service-status';
import { findLanguageInfo } from '#lib/languages/infos';
import type { LanguageId, RunnerHealth } from '#lib/wire/code';
import { demoEngineOf } from '../code-run/demo/engines.ts';
import { PROGRAM_STRINGS as S } from './strings.ts';

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
            {S.retry}
          </Button>
        }
      >
        <strong className="font-semibold">{S.demoMode}</strong> {unavailableReason(health)} {instead(language)}
      </Notice>
    );
  if (health?.sandbox === 'none')
    return (
      <Notice kind="warn" className="m-2 shrink-0">
        {S.noSandbox}
      </Notice>
    );
  return null;
}

function instead(language: LanguageId): string {
  const name = findLanguageInfo(language)?.name ?? language;
  return demoEngineOf(language) === undefined ? S.exampleOnly(name) : S.runsInBrowser(name);
}
