'use client';

import { Button } from '#components/ui/button';
import { Notice } from '#components/ui/notice';
import type { RunnerHealth } from '#lib/wire/code';

interface RunnerNoticeProps {
  health: RunnerHealth | undefined;
  error: Error | undefined;
  onRetry: () => void;
}

/** Why programs cannot be run now, or what to know before one is. */
export function RunnerNotice({ health, error, onRetry }: RunnerNoticeProps) {
  if (error !== undefined)
    return (
      <Notice
        kind="error"
        className="m-2 shrink-0"
        action={
          <Button size="sm" onClick={onRetry}>
            Look again
          </Button>
        }
      >
        The code runner cannot be reached. What you write is kept, and the page looks again by itself.
      </Notice>
    );
  if (health === undefined) return null;
  if (health.sandbox === 'unavailable')
    return (
      <Notice kind="error" className="m-2 shrink-0">
        No sandbox is available on the server, so nothing is run. {health.notices?.join(' ')}
      </Notice>
    );
  if (health.sandbox === 'none')
    return (
      <Notice kind="warn" className="m-2 shrink-0">
        Programs run without a sandbox here: run only code that you trust.
      </Notice>
    );
  return null;
}
