'use client';

import { CircleAlert, TriangleAlert } from 'lucide-react';
import { LAYOUT_STRINGS as STRINGS } from './layout-strings.ts';
import type { Problem } from './use-diagnostics.ts';

interface ProblemListProps {
  problems: readonly Problem[];
  file: string;
  onGoTo: (line: number, column: number) => void;
}

/** Problems of the main file, each with a link to its line. */
export function ProblemList({ problems, file, onGoTo }: ProblemListProps) {
  return (
    <section
      aria-label={STRINGS.problems}
      className={
        problems.length === 0
          ? undefined
          : 'flex max-h-[min(10rem,25%)] shrink-0 flex-col border-t [@media(height<30rem)]:max-h-11'
      }
    >
      <p role="status" className="sr-only">
        {problems.length === 0 ? '' : summary(problems)}
      </p>
      {problems.length === 0 ? null : (
        <ul className="scroller py-1">
          {problems.map(({ severity, line, column, message }) => (
            <li key={`${line}:${column}:${message}`}>
              <button
                type="button"
                onClick={() => onGoTo(line, column)}
                className="flex w-full items-start gap-2 px-4 py-1 text-start text-sm hover:bg-hover pointer-coarse:min-h-10"
              >
                {severity === 'error' ? (
                  <CircleAlert className="mt-0.5 size-4 shrink-0 text-error" aria-label={STRINGS.error} />
                ) : (
                  <TriangleAlert className="mt-0.5 size-4 shrink-0 text-warn" aria-label={STRINGS.warning} />
                )}
                <span className="min-w-0 flex-1 whitespace-pre-wrap [overflow-wrap:anywhere]">{message}</span>
                <span className="shrink-0 pt-px font-mono text-ink-3 text-xs tabular">
                  <span className="sr-only">{STRINGS.position(file)}</span>
                  {line}:{column}
                </span>
              </button>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function summary(problems: readonly Problem[]): string {
  const errors = problems.filter(({ severity }) => severity === 'error').length;
  const warnings = problems.length - errors;
  const parts = [errors === 0 ? '' : STRINGS.errors(errors), warnings === 0 ? '' : STRINGS.warnings(warnings)];
  return parts.filter(Boolean).join(', ');
}
