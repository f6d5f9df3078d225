import type { Tone } from '#components/ui/badge';
import type { RunStatus } from '#lib/wire/code';
import { CODE_RUN_STRINGS as STRINGS } from './strings.ts';

interface Outcome {
  tone: Tone;
  word: string;
}

/** The same words wherever runs are shown. */
export const RUN_OUTCOMES: Record<RunStatus, Outcome> = {
  success: { tone: 'good', word: STRINGS.success },
  runtime_error: { tone: 'error', word: STRINGS.runtimeError },
  compile_error: { tone: 'error', word: STRINGS.compileError },
  timeout: { tone: 'warn', word: STRINGS.timedOut },
  memory_limit: { tone: 'warn', word: STRINGS.outOfMemory },
  output_limit: { tone: 'warn', word: STRINGS.outputLimit },
  killed: { tone: 'warn', word: STRINGS.killed },
  internal_error: { tone: 'error', word: STRINGS.runnerError },
};
