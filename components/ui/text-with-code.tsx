/**
 * A sentence in which backticks mark code, as in `ollama pull …`. The name of a setting and of the
 * file with the settings are code without them.
 */
export function TextWithCode({ text }: { text: string }) {
  // Unbalanced backticks mark nothing.
  if (text.split('`').length % 2 === 0) return text;
  let at = 0;
  return text.split(CODE).map((part, index) => {
    const key = at;
    at += part.length + 1;
    return index % 2 === 0 ? (
      part
    ) : (
      <code key={key} className="rounded-sm bg-pressed px-1 font-mono text-[0.9em]">
        {part.replaceAll('`', '')}
      </code>
    );
  });
}

/** Code becomes every second part: `ollama serve` in backticks, HF_TOKEN, .env. */
const CODE = /(`[^`]*`|\b[A-Z][A-Z\d]*_[A-Z\d_]+\b|\B\.env\b)/;
