import { runOutputText, statusWord } from '#components/code-run/run-report';
import { outputFence } from './output-fence.ts';
import { shortenedOutput } from './shortened-output.ts';
import { CODE_RUN_STRINGS as STRINGS } from './strings.ts';
import type { CodeRun } from './use-code-run.ts';

/** The question to a model about a run of `file`. Pure. */
export function questionAbout(run: CodeRun, file: string): string {
  const isInBrowser = run.state === 'ended' && run.place === 'browser';
  const beginning = isInBrowser ? STRINGS.ranInABrowser(file) : STRINGS.ran(file);
  const end = endOf(run);
  const text = runOutputText(run).trimEnd();
  if (text.trim() === '') return [beginning, end.sentence, STRINGS.wroteNothing].filter(Boolean).join(' ');
  const source = [file, end.word].filter(Boolean).join(' · ');
  const head = [beginning, end.sentence, STRINGS.itsOutput].filter(Boolean).join(' ');
  return `${head}\n\n${outputFence(source, shortenedOutput(text))}`;
}

function endOf(run: CodeRun): { sentence: string; word: string } {
  if (run.state === 'stopped') return { sentence: '', word: STRINGS.stopped.toLowerCase() };
  if (run.state !== 'ended') return { sentence: '', word: '' };
  const { status, exit_code: code } = run.result;
  return status === 'success' || status === 'runtime_error'
    ? { sentence: STRINGS.exited(code), word: STRINGS.exit(code) }
    : { sentence: `${statusWord(run.result)}.`, word: statusWord(run.result).toLowerCase() };
}
