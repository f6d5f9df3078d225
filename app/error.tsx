'use client';

import { Button } from '#components/ui/button';

/** Reloads the document: a chunk that failed to load would fail again in the same page. */
export default function PageError() {
  return (
    <div role="alert" className="m-auto flex max-w-96 flex-col items-start gap-4 p-6">
      <h1 className="font-semibold text-xl">This page stopped working</h1>
      <p className="text-ink-2">
        Your conversations and drafts are kept in this browser. Load the page again to go on.
      </p>
      <Button kind="primary" onClick={() => window.location.reload()}>
        Load again
      </Button>
    </div>
  );
}
