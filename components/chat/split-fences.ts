import { outputFenceSource } from '../code-run/output-fence.ts';

/**
 * A part of a question: prose as it was typed, or the code of a fence. `output` names the program
 * whose output it is.
 */
export type QuestionPart = { type: 'text'; text: string } | { type: 'code'; text: string; output?: string };

const OPENING = /^ {0,3}(`{3,}|~{3,})([^`\n]*)$/;

/** Splits a question at its closed fences (CommonMark, 4.5). An open fence stays prose. */
export function splitFences(question: string): QuestionPart[] {
  if (!question.includes('```') && !question.includes('~~~')) return [{ type: 'text', text: question }];
  const lines = question.split('\n');
  const parts: QuestionPart[] = [];
  let prose: string[] = [];
  let unclosed = 'none';
  const endProse = () => {
    const text = prose.join('\n').replace(/^\n+|\s+$/g, '');
    if (text !== '') parts.push({ type: 'text', text });
    prose = [];
  };
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? '';
    const [, marks, info = ''] = OPENING.exec(line) ?? [];
    const end = marks === undefined || marks.startsWith(unclosed) ? -1 : closingLine(lines, at + 1, marks);
    if (end === -1) {
      // No later fence of as many of these marks is closed either: each line is searched once.
      if (marks !== undefined && !marks.startsWith(unclosed)) unclosed = marks;
      prose.push(line);
      continue;
    }
    endProse();
    const output = outputFenceSource(info);
    parts.push({
      type: 'code',
      text: lines.slice(at + 1, end).join('\n'),
      ...(output === undefined ? {} : { output }),
    });
    at = end;
  }
  endProse();
  return parts;
}

function closingLine(lines: readonly string[], from: number, marks: string): number {
  const closing = new RegExp(`^ {0,3}\\${marks[0]}{${marks.length},}[ \\t]*$`);
  return lines.findIndex((line, at) => at >= from && closing.test(line));
}
