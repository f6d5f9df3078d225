import { findLanguageInfo } from '#lib/languages/infos';
import { parseAnsi } from '../code-run/ansi.ts';
import type { CodeRun } from '../code-run/use-code-run.ts';
import type { NamedProgram } from './program.ts';
import { PROGRAM_STRINGS as S } from './strings.ts';

const MAX_OUTPUT_CHARACTERS = 4_000;

/** A message to a model with the program and the output of its last run. */
export function messageAbout({ language, files, stdin, args }: NamedProgram, run: CodeRun): string {
  const info = findLanguageInfo(language);
  const parts = [S.aboutProgram(info?.name ?? language)];
  const isSingle = files.length === 1;
  for (const { name, content } of files) {
    if (content.trim() === '') continue;
    const fence = fenceFor(content);
    const kind = name === files[0].name ? language : (/\.([^.]+)$/.exec(name)?.[1] ?? '');
    parts.push(`${isSingle ? '' : `${name}\n\n`}${fence}${kind}\n${content.trimEnd()}\n${fence}`);
  }
  if (args !== '') parts.push(`${S.arguments}: \`${args}\``);
  if (stdin !== '') parts.push(`${S.input}:\n\n${fenced(stdin)}`);
  if (run.state !== 'idle' && run.state !== 'sample' && run.state !== 'failed') {
    const exitCode = run.state === 'ended' ? run.result.exit_code : undefined;
    const text = parseAnsi(run.pieces.map((piece) => piece.text).join(''))
      .pieces.map((piece) => piece.text)
      .join('');
    parts.push(text.trim() === '' ? S.noOutput(exitCode) : `${S.aboutOutput(exitCode)}\n\n${fenced(text)}`);
  }
  return `${parts.join('\n\n')}\n\n`;
}

function fenced(text: string): string {
  const half = MAX_OUTPUT_CHARACTERS / 2;
  const kept =
    text.length <= MAX_OUTPUT_CHARACTERS
      ? text
      : `${text.slice(0, half)}\n${S.cut(text.length - MAX_OUTPUT_CHARACTERS)}\n${text.slice(-half)}`;
  const fence = fenceFor(kept);
  return `${fence}\n${kept.trimEnd()}\n${fence}`;
}

/** Longer than any row of backticks in the text. */
function fenceFor(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([row]) => row.length));
  return '`'.repeat(longest + 1);
}
