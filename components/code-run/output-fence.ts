import { codeFence } from '#lib/browser/code-fence';

/**
 * An output in a question is a code fence whose info string is `output`, then the file and how the
 * program ended: `output main.py · exit 1`.
 */
const LANGUAGE = 'output';

/** A fence that no line of `text` closes. */
export function outputFence(what: string, text: string): string {
  return codeFence(`${LANGUAGE} ${what.replaceAll('`', '')}`, text);
}

/** `main.py · exit 1` of such an info string; undefined for any other. */
export function outputFenceSource(info: string): string | undefined {
  return /^output\s+(\S.*)$/.exec(info.trim())?.[1];
}
