/**
 * An output in a question is a code fence whose info string is `output`, then the file and how the
 * program ended: `output main.py · exit 1`.
 */
const LANGUAGE = 'output';

/** A fence that no line of `text` closes. */
export function outputFence(what: string, text: string): string {
  const longest = Math.max(2, ...Array.from(text.matchAll(/^ {0,3}(`{3,})/gm), ([, marks = '']) => marks.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}${LANGUAGE} ${what.replaceAll('`', '')}\n${text}\n${fence}`;
}

/** `main.py · exit 1` of such an info string; undefined for any other. */
export function outputFenceSource(info: string): string | undefined {
  return /^output\s+(\S.*)$/.exec(info.trim())?.[1];
}
