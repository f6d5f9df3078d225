import { info } from '#lib/languages/bash/info';
import type { WarmInput, WarmProcessSpec } from '#lib/languages/language';
import { INPUT_DESCRIPTOR, PROGRAM } from '#lib/languages/sandbox-interface';

/**
 * A Bash that waits for a script on its input, runs it and is replaced by another Bash, so that a
 * program finds the same process, environment and descriptors as in a cold start.
 */
export const warmBash: WarmProcessSpec = {
  // Opening the descriptor again, as `.` would, waits for ever once the host has closed its end.
  script: `mapfile -d '' -u ${INPUT_DESCRIPTOR} message\neval "\${message[0]}"\n`,
  command: ({ programs }) => ({ argv: [`${programs.bash}`, PROGRAM] }),
  encode: toScript,
  idleMegabytes: 5,
};

/** Makes the script: it writes the files, and becomes the program. Pure. */
export function toScript({ files, context }: WarmInput): Uint8Array {
  const folders = new Set(
    files.flatMap(({ name }) => (name.includes('/') ? [name.slice(0, name.lastIndexOf('/'))] : [])),
  );
  const words = [`${context.toolchain.programs.bash}`, info.mainFile, ...context.args];
  const lines = [
    ...(folders.size === 0 ? [] : [`mkdir -p -- ${[...folders].map(quoted).join(' ')}`]),
    ...files.map(({ name, content }) => `${printed(content)} >${quoted(name)}`),
    `exec ${words.map(quoted).join(' ')} ${INPUT_DESCRIPTOR}<&-`,
  ];
  return Buffer.from(`${lines.join('\n')}\n`, 'latin1');
}

/** Text is of bytes, one character each. Names and arguments are UTF-8. */
function quoted(text: string): string {
  return quotedBytes(Buffer.from(text));
}

function quotedBytes(bytes: Uint8Array): string {
  return `'${Buffer.from(bytes).toString('latin1').replaceAll("'", "'\\''")}'`;
}

/** No word of a shell can hold a NUL character. */
function printed(content: Uint8Array): string {
  return content.includes(0)
    ? `printf %s ${quoted(Buffer.from(content).toString('base64'))} | base64 -d`
    : `printf %s ${quotedBytes(content)}`;
}
