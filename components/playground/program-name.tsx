import { ChevronDown } from 'lucide-react';
import { PROGRAM_STRINGS as S } from './strings.ts';

/** As wide for any name, so that nothing next to it moves. */
export const PROGRAM_TRIGGER = 'w-44 shrink max-[34rem]:flex-1';

export function ProgramName({ name, isUnsaved }: { name: string; isUnsaved: boolean }) {
  return (
    <>
      <span dir="auto" className="truncate">
        {name}
      </span>
      {isUnsaved ? <span className="shrink-0 font-normal text-warn text-xs">{S.notSaved}</span> : null}
      <ChevronDown className="size-3.5 shrink-0 text-ink-3" aria-hidden />
    </>
  );
}
