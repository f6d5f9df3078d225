import type { CodeRun } from '../code-run/use-code-run.ts';

export interface RunResultProps {
  run: CodeRun;
  /** The name of the program's file. */
  file: string;
  onRetry: () => void;
  onClose: () => void;
  onOpenPlayground: () => void;
}
