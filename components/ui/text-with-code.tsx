/** A sentence from the server in which backticks mark code: `ollama pull …`. */
export function TextWithCode({ text }: { text: string }) {
  const parts = text.split('`');
  // Unbalanced backticks mark nothing.
  if (parts.length % 2 === 0) return text;
  let at = 0;
  return parts.map((part, index) => {
    const key = at;
    at += part.length + 1;
    return index % 2 === 0 ? (
      part
    ) : (
      <code key={key} className="rounded-sm bg-pressed px-1 font-mono text-[0.9em]">
        {part}
      </code>
    );
  });
}
