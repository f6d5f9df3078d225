/**
 * A text as a fenced code block. The fence is longer than any run of backticks in the text
 * (CommonMark 0.31, section 4.5).
 */
export function codeFence(info: string, text: string): string {
  let longest = 2;
  for (const [run] of text.matchAll(/`{3,}/g)) longest = Math.max(longest, run.length);
  const fence = '`'.repeat(longest + 1);
  return `${fence}${info}\n${text}${text.endsWith('\n') ? '' : '\n'}${fence}`;
}
