import { ChevronDown } from 'lucide-react';
import { PROGRAM_STRINGS as S } from './strings.ts';

/** As wide as the name: only the state of saving stands next to it. */
export const PROGRAM_TRIGGER = 'max-w-72 shrink max-[34rem]:flex-1';

export function ProgramName({ name, isUnsaved }: { name: string; isUnsaved: boolean }) {
  return (
    <>
      <span dir="auto" className="truncate">
        {name}
      </span>
      {isUnsaved ? <span className="shrink-0 font-normal text-warn text-xs md:hidden">{S.notSaved}</span> : null}
      <ChevronDown className="size-3.5 shrink-0 text-ink-3" aria-hidden />
    </>
  );
}
