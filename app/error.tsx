'use client';

import { Button } from '#components/ui/button';
import { SHELL_STRINGS } from '../components/shell/strings.ts';

/** Reloads the document: a chunk that failed to load would fail again in the same page. */
export default function PageError() {
  return (
    <div role="alert" className="m-auto flex max-w-96 flex-col items-start gap-4 p-6">
      <h1 className="font-semibold text-xl">{SHELL_STRINGS.failed}</h1>
      <p className="text-ink-2">{SHELL_STRINGS.failedHint}</p>
      <Button kind="primary" onClick={() => window.location.reload()}>
        {SHELL_STRINGS.reload}
      </Button>
    </div>
  );
}
