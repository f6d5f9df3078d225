'use client';

import { CopyButton } from '#components/ui/copy-button';

interface SecretTextProps {
  label: string;
  text: string;
  copyLabel: string;
  /** Keeps its lines, and scrolls sideways. */
  isCode?: boolean;
}

/** A key, a link or a command with a button that copies it. */
export function SecretText({ label, text, copyLabel, isCode = false }: SecretTextProps) {
  return (
    <div className="min-w-0">
      <p className="mb-1 font-medium text-xs text-ink-2">{label}</p>
      <div className="flex min-w-0 items-start gap-1 rounded-md border bg-sunken py-1 ps-3 pe-1">
        {isCode ? (
          <div {...scrollable(label)} className="min-w-0 flex-1 overflow-x-auto">
            <pre className="w-max py-1.5 font-mono text-xs leading-5">{text}</pre>
          </div>
        ) : (
          <code className="min-w-0 flex-1 select-all py-1.5 font-mono text-sm [overflow-wrap:anywhere]">{text}</code>
        )}
        <CopyButton text={text} label={copyLabel} />
      </div>
    </div>
  );
}

/** Makes a region scrollable by keyboard. */
function scrollable(label: string) {
  return { tabIndex: 0, role: 'region', 'aria-label': label } as const;
}
