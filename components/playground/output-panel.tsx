'use client';

import type { LocationLinks } from '#components/code-run/program-output';
import { RunView } from '#components/code-run/run-view';
import { CODE_RUN_STRINGS as RUN_STRINGS } from '../code-run/strings.ts';
import type { CodeRun } from '../code-run/use-code-run.ts';
import { LAYOUT_STRINGS as STRINGS } from './layout-strings.ts';

interface OutputPanelProps {
  run: CodeRun;
  onRetry: () => void;
  links: LocationLinks;
  /** Shows the field for the program's input. */
  onOpenStdin: () => void;
}

export function OutputPanel({ run, onRetry, links, onOpenStdin }: OutputPanelProps) {
  return (
    <RunView
      run={run}
      kind="pane"
      label={STRINGS.output}
      onRetry={onRetry}
      links={links}
      input={{
        asked: RUN_STRINGS.askedForInput,
        reads: RUN_STRINGS.readsInput,
        action: RUN_STRINGS.openStdin,
        onOpen: onOpenStdin,
      }}
      placeholder={
        <p className="text-ink-3 text-sm">
          <span className="pointer-coarse:hidden">{STRINGS.outputPlaceholder}</span>
          <span className="pointer-fine:hidden">{STRINGS.outputPlaceholderTouch}</span>
        </p>
      }
    />
  );
}
