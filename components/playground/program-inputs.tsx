'use client';

interface ProgramInputsProps {
  stdin: string;
  args: string;
  onStdin: (text: string) => void;
  onArgs: (text: string) => void;
}

/** Standard input and arguments of the program. */
export function ProgramInputs({ stdin, args, onStdin, onArgs }: ProgramInputsProps) {
  return (
    <div className="grid shrink-0 grid-cols-1 border-t sm:grid-cols-[2fr_1fr]">
      <label className="flex items-start gap-3 px-4 py-2.5 focus-within:bg-sunken">
        <span className="w-12 shrink-0 pt-0.5 text-ink-2 text-xs sm:w-auto">Input</span>
        <textarea
          rows={2}
          value={stdin}
          onChange={(event) => onStdin(event.target.value)}
          placeholder="What the program reads from stdin"
          spellCheck={false}
          className="min-w-0 flex-1 resize-none bg-transparent font-mono text-sm outline-none placeholder:font-sans placeholder:text-ink-3"
        />
      </label>
      <label className="flex items-start gap-3 px-4 py-2.5 focus-within:bg-sunken max-sm:border-t sm:border-s">
        <span className="w-12 shrink-0 pt-0.5 text-ink-2 text-xs sm:w-auto">Args</span>
        <input
          value={args}
          onChange={(event) => onArgs(event.target.value)}
          placeholder={'--name "two words"'}
          spellCheck={false}
          className="min-w-0 flex-1 bg-transparent font-mono text-sm outline-none placeholder:text-ink-3"
        />
      </label>
    </div>
  );
}
