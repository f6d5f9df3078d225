'use client';

import { Button } from '#components/ui/button';
import { Notice } from '#components/ui/notice';
import { unavailableReason } from '#lib/browser/service-status';
import { findLanguageInfo } from '#lib/languages/infos';
import type { LanguageId, RunnerHealth } from '#lib/wire/code';
import { demoEngineOf } from '../code-run/demo/engines.ts';
import { LAYOUT_STRINGS as STRINGS } from './layout-strings.ts';

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
            {STRINGS.retry}
          </Button>
        }
      >
        <strong className="font-semibold">{STRINGS.demoMode}</strong> {unavailableReason(health)} {instead(language)}
      </Notice>
    );
  if (health?.sandbox === 'none')
    return (
      <Notice kind="warn" className="m-2 shrink-0">
        {STRINGS.noSandbox}
      </Notice>
    );
  return null;
}

function instead(language: LanguageId): string {
  const name = findLanguageInfo(language)?.name ?? language;
  return demoEngineOf(language) === undefined ? STRINGS.exampleOnly(name) : STRINGS.runsInBrowser(name);
}
