'use client';

import { Button, buttonClasses } from '#components/ui/button';
import { SHELL_STRINGS } from '../components/shell/strings.ts';

/**
 * Reloads the document: a chunk that failed to load would fail again in the same page. A chat that
 * cannot be shown would too, so the link leads to a new one.
 */
export default function PageError() {
  return (
    <div role="alert" className="m-auto flex max-w-96 flex-col items-start gap-4 p-6">
      <h1 className="font-semibold text-xl">{SHELL_STRINGS.failed}</h1>
      <p className="text-ink-2">{SHELL_STRINGS.failedHint}</p>
      <div className="flex flex-wrap gap-2">
        <Button kind="primary" onClick={() => window.location.reload()}>
          {SHELL_STRINGS.reload}
        </Button>
        <a href="/" className={buttonClasses('secondary', 'md')}>
          {SHELL_STRINGS.goToChat}
        </a>
      </div>
    </div>
  );
}
