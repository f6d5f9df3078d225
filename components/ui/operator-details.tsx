import { TextWithCode } from '#components/ui/text-with-code';
import { UI_STRINGS } from './strings.ts';

/** Folds what only the person who runs the server can use: an address, a setting, a command. */
export function OperatorDetails({ text }: { text: string | undefined }) {
  if (text === undefined || text === '') return null;
  return (
    <details className="text-ink-2 text-xs">
      <summary className="flex min-h-6 w-fit cursor-pointer items-center rounded-sm underline decoration-dotted underline-offset-3 hover:text-ink pointer-coarse:min-h-10">
        {UI_STRINGS.operatorDetails}
      </summary>
      <p className="mt-1 [overflow-wrap:anywhere]">
        <TextWithCode text={text} />
      </p>
    </details>
  );
}
