import type { AuditChange } from '#lib/wire/people';
import { CHANGE_STRINGS as STRINGS } from './change-strings.ts';
import { type ChangeWords, changeWords } from './change-values.ts';

/** The old and the new values of a change, one a line. Long texts are folded. */
export function ChangeList({ changes }: { changes: readonly AuditChange[] }) {
  if (changes.length === 0) return null;
  return (
    <ul className="flex flex-col text-ink-2 text-xs [overflow-wrap:anywhere]">
      {changes.map((change) => (
        <li key={change.field}>
          <Line words={changeWords(change)} />
        </li>
      ))}
    </ul>
  );
}

function Line({ words: { label, before, after, isLong } }: { words: ChangeWords }) {
  if (isLong)
    return (
      <details>
        <summary className="flex min-h-6 w-fit cursor-pointer items-center rounded-sm underline decoration-dotted underline-offset-3 hover:text-ink pointer-coarse:min-h-10">
          {label}
        </summary>
        <dl className="my-1 flex flex-col gap-1 border-s ps-3">
          <LongText term={STRINGS.before} text={before} />
          <LongText term={STRINGS.after} text={after} />
        </dl>
      </details>
    );
  return (
    <>
      {label}: {before}
      <span className="sr-only"> {STRINGS.became}</span>
      <span aria-hidden> → </span>
      <span className="text-ink">{after}</span>
    </>
  );
}

function LongText({ term, text }: { term: string; text: string }) {
  return (
    <div>
      <dt className="text-ink-3">{term}</dt>
      <dd className="whitespace-pre-wrap">{text}</dd>
    </div>
  );
}
