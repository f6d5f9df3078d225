'use client';

import { useState } from 'react';
import { loadable, onFirstInput, useLoaded } from '#lib/browser/loadable';
import type { RunResultProps } from './run-result-props.ts';

const result = loadable(() => import('./run-result.tsx').then(({ RunResult }) => RunResult));

// No program runs before an input. Without a network the code could not be fetched then.
if (typeof window !== 'undefined') onFirstInput(result.preload);

/** The result of a program. Its code is fetched with the reader's first input or kept result. */
export function LazyRunResult(props: RunResultProps) {
  const { state } = props.run;
  /** The run that could not be shown. The next state of the program tries it again. */
  const [failed, setFailed] = useState<typeof state>();
  const isThere = useLoaded(failed !== state, result, () => setFailed(state));
  // As high as the head of the result.
  return isThere ? <result.Component {...props} /> : <div className="min-h-9 border-t bg-canvas" />;
}
