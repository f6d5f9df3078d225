/** A line of the program that a compiler, an interpreter or a stack trace names. */

export interface SourceLocation {
  file: string;
  /** 1-based. */
  line: number;
  /** 1-based; undefined if only the line is named. */
  column: number | undefined;
}

/** `at` is the offset in the text. */
export type TextOrLocation = string | { text: string; place: SourceLocation; at: number };

/**
 * Splits `text` at references to lines of `files`, in the formats of all languages: `main.py",
 * line 3`, `main.js:3:5`, `Main.java:3`, `main.ts(3,5)`, `main.sh: line 3`. A sandbox path may
 * precede the name.
 */
export function splitAtLocations(text: string, files: readonly string[]): TextOrLocation[] {
  if (files.length === 0) return [text];
  const names = [...files]
    .sort((a, b) => b.length - a.length)
    .map(escaped)
    .join('|');
  const pattern = new RegExp(
    `(?<![\\w.-])(?:(?:file://)?[\\w./-]*/)?(${names})(?:(?:"?,|:) line (\\d+)|:(\\d+)(?::(\\d+))?|\\((\\d+),(\\d+)\\))`,
    'g',
  );
  const parts: TextOrLocation[] = [];
  let from = 0;
  for (const match of text.matchAll(pattern)) {
    const [whole, file = '', python, line, column, tscLine, tscColumn] = match;
    const place: SourceLocation = {
      file,
      line: Number(python ?? line ?? tscLine),
      column: column === undefined && tscColumn === undefined ? undefined : Number(column ?? tscColumn),
    };
    if (match.index > from) parts.push(text.slice(from, match.index));
    parts.push({ text: whole, place, at: match.index });
    from = match.index + whole.length;
  }
  if (from < text.length) parts.push(text.slice(from));
  return parts;
}

function escaped(name: string): string {
  return name.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}
