'use client';

import type { RefObject } from 'react';
import { LAYOUT_STRINGS as STRINGS } from './layout-strings.ts';

interface ProgramInputsProps {
  stdin: string;
  args: string;
  onStdin: (text: string) => void;
  onArgs: (text: string) => void;
  stdinField: RefObject<HTMLTextAreaElement | null>;
}

/** Standard input and arguments of the program: below the editor, or a page of their own. */
export function ProgramInputs({ stdin, args, onStdin, onArgs, stdinField }: ProgramInputsProps) {
  return (
    <div className="@container flex min-h-0 flex-1 flex-col">
      <div className="grid flex-1 grid-cols-1 @min-[30rem]:grid-cols-[2fr_1fr] border-t compact:flex compact:flex-col compact:border-t-0">
        <label className="flex items-start gap-3 px-4 py-2.5 outline-offset-[-2px] focus-within:bg-sunken focus-within:outline-2 focus-within:outline-accent compact:min-h-0 compact:flex-1 compact:flex-col compact:items-stretch compact:gap-1">
          <span className="w-18 @min-[30rem]:w-auto shrink-0 pt-0.5 text-ink-2 text-xs">{STRINGS.stdin}</span>
          <textarea
            ref={stdinField}
            rows={2}
            value={stdin}
            onChange={(event) => onStdin(event.target.value)}
            placeholder={STRINGS.stdinPlaceholder}
            autoCapitalize="off"
            spellCheck={false}
            dir="ltr"
            className="scroller min-h-10 min-w-0 flex-1 resize-none bg-transparent font-mono text-sm outline-none [field-sizing:content] not-compact:max-h-32 placeholder:font-sans placeholder:text-ink-3"
          />
        </label>
        <label className="flex @min-[30rem]:border-s @max-[30rem]:border-t items-start gap-3 px-4 py-2.5 outline-offset-[-2px] focus-within:bg-sunken focus-within:outline-2 focus-within:outline-accent compact:flex-col compact:items-stretch compact:gap-1 compact:border-s-0 compact:border-t">
          <span className="w-18 @min-[30rem]:w-auto shrink-0 pt-0.5 text-ink-2 text-xs">{STRINGS.args}</span>
          <input
            value={args}
            onChange={(event) => onArgs(event.target.value)}
            placeholder={STRINGS.argsPlaceholder}
            autoCapitalize="off"
            spellCheck={false}
            dir="ltr"
            className="min-w-0 flex-1 bg-transparent font-mono text-sm outline-none placeholder:text-ink-3 compact:min-h-10 compact:flex-none"
          />
        </label>
      </div>
    </div>
  );
}
