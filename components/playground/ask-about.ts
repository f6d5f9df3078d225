import { codeFence } from '#lib/browser/code-fence';
import { findLanguageInfo } from '#lib/languages/infos';
import { stripAnsi } from '../code-run/ansi.ts';
import { shortenedOutput } from '../code-run/shortened-output.ts';
import type { CodeRun } from '../code-run/use-code-run.ts';
import type { NamedProgram } from './program.ts';
import { PROGRAM_STRINGS as S } from './strings.ts';

/** A message to a model with the program and the output of its last run. */
export function messageAbout({ language, files, stdin, args }: NamedProgram, run: CodeRun): string {
  const info = findLanguageInfo(language);
  const parts = [S.aboutProgram(info?.name ?? language)];
  const isSingle = files.length === 1;
  for (const { name, content } of files) {
    if (content.trim() === '') continue;
    const kind = name === files[0].name ? language : (/\.([^.]+)$/.exec(name)?.[1] ?? '');
    parts.push(`${isSingle ? '' : `${name}\n\n`}${codeFence(kind, content.trimEnd())}`);
  }
  if (args !== '') parts.push(`${S.arguments}: \`${args}\``);
  if (stdin !== '') parts.push(`${S.input}:\n\n${fenced(stdin)}`);
  if (run.state !== 'idle' && run.state !== 'sample' && run.state !== 'failed') {
    const exitCode = run.state === 'ended' ? run.result.exit_code : undefined;
    const text = stripAnsi(run.pieces.map((piece) => piece.text).join(''));
    parts.push(text.trim() === '' ? S.noOutput(exitCode) : `${S.aboutOutput(exitCode)}\n\n${fenced(text)}`);
  }
  return `${parts.join('\n\n')}\n\n`;
}

function fenced(text: string): string {
  return codeFence('', shortenedOutput(text).trimEnd());
}
