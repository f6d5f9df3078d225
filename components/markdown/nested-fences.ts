/**
 * Lengthens the fence around nested code.
 *
 *  Models put Markdown with fenced code into a fenced block, all with three marks. CommonMark ends
 * the outer block at the first inner end. A longer outer fence keeps the block whole: an inner
 * fence with a language opens, a bare one closes. If the outer block then has no end, the text
 * stays unchanged, unless it is still `writing`.
 */
export function lengthenOuterFences(markdown: string, writing: boolean): string {
  if (!MARKDOWN_FENCE.test(markdown)) return markdown;
  const lines = markdown.split('\n');
  for (let index = 0; index < lines.length; index += 1) {
    const [, indent = '', marks = '', info = ''] = FENCE.exec(lines[index] ?? '') ?? [];
    if (marks === '') continue;
    const isMarkdown = /^(?:markdown|md|mdx)\b/i.test(info.trim());
    const { end, longest } = isMarkdown
      ? nestedEnd(lines, index, marks)
      : { end: plainEnd(lines, index, marks), longest: 0 };
    if (longest > 0 && (end < lines.length || writing)) {
      const longer = marks.charAt(0).repeat(Math.max(longest, marks.length) + 1);
      lines[index] = `${indent}${longer}${info}`;
      const last = lines[end];
      if (last !== undefined) lines[end] = last.replace(marks.charAt(0) === '`' ? /`{3,}/ : /~{3,}/, longer);
      index = end;
    } else index = plainEnd(lines, index, marks);
  }
  return lines.join('\n');
}

const MARKDOWN_FENCE = /^[ \t>]*(?:[-*+] +|\d+[.)] +)?(?:`{3,}|~{3,})[ \t]*(?:markdown|md|mdx)\b/im;
const FENCE = /^([ \t>]*(?:[-*+] +|\d+[.)] +)?)(`{3,}(?=[^`]*$)|~{3,})(.*)$/;

/** The line that ends a block by CommonMark's rule, or the number of lines. */
function plainEnd(lines: readonly string[], from: number, marks: string): number {
  let end = from + 1;
  while (end < lines.length && !isClosing(lines[end] ?? '', marks)) end += 1;
  return end;
}

/**
 * The line that ends a block with nested fences, and the length of the longest of those; 0 if
 * there are none.
 */
function nestedEnd(lines: readonly string[], from: number, marks: string): { end: number; longest: number } {
  const open: string[] = [marks];
  let longest = 0;
  for (let index = from + 1; index < lines.length; index += 1) {
    const line = lines[index] ?? '';
    const [, , inner = '', info = ''] = FENCE.exec(line) ?? [];
    if (inner === '') continue;
    if (info.trim() === '' && isClosing(line, open.at(-1) ?? marks)) {
      open.pop();
      if (open.length === 0) return { end: index, longest };
    } else if (info.trim() !== '' && inner.charAt(0) === marks.charAt(0)) {
      open.push(inner);
      longest = Math.max(longest, inner.length);
    }
  }
  return { end: lines.length, longest };
}

function isClosing(line: string, marks: string): boolean {
  const [, found = ''] = /^[ \t>]*(`{3,}|~{3,})[ \t]*$/.exec(line) ?? [];
  return found.charAt(0) === marks.charAt(0) && found.length >= marks.length;
}
