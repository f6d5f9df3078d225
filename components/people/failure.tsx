'use client';

import type { ReactNode } from 'react';
import { Button } from '#components/ui/button';
import { ErrorText } from '#components/ui/error-text';
import { Notice } from '#components/ui/notice';
import { ApiError } from '#lib/browser/api-client';
import { PEOPLE_STRINGS as STRINGS } from './strings.ts';

/** A wrong password has status 401 too. */
const SESSION_CODES: ReadonlySet<string> = new Set(['unauthorized', 'signed_out']);

interface FailureProps {
  error: unknown;
  /** Loads what is missing again. */
  onRetry?: (() => void) | undefined;
  className?: string;
}

/**
 * Why something is missing or was not done, who can help, and the one button that does. Nothing
 * after the end of the session, which the frame of the page says.
 */
export function Failure({ error, onRetry, className = '' }: FailureProps) {
  if (error instanceof ApiError && SESSION_CODES.has(error.code)) return null;
  const action =
    onRetry === undefined ? undefined : (
      <Button size="sm" onClick={onRetry}>
        {STRINGS.retry}
      </Button>
    );
  return (
    <Notice kind="error" className={className} action={action}>
      <FailureText error={error} />
    </Notice>
  );
}

/** The sentence of a failure, the content of a `Notice`. */
export function FailureText({ error }: { error: unknown }): ReactNode {
  return error instanceof ApiError ? <ErrorText error={error} /> : STRINGS.failed;
}
