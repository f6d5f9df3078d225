import { type FormEvent, useCallback, useRef, useState } from 'react';

interface Submission {
  isBusy: boolean;
  /** Why the last attempt failed. */
  error: unknown;
  /** For `onSubmit` of a form, or for a button. Does nothing while an attempt is under way. */
  submit: (event?: FormEvent) => void;
  reset: () => void;
}

/** Runs an action of a form once at a time, and keeps why it failed. */
export function useSubmit(action: () => Promise<void>): Submission {
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const isRunning = useRef(false);
  const submit = (event?: FormEvent) => {
    event?.preventDefault();
    if (isRunning.current) return;
    isRunning.current = true;
    setBusy(true);
    setError(undefined);
    action()
      .catch(setError)
      .finally(() => {
        isRunning.current = false;
        setBusy(false);
      });
  };
  const reset = useCallback(() => setError(undefined), []);
  return { isBusy, error, submit, reset };
}
