/** The facts about a sandbox that the commands of languages rely on. */

/** The path of a compiled program, or of an interpreter's script. */
export const PROGRAM = '/program';
/** Where a compiler writes its output: results leave a sandbox through descriptors only. */
export const RESULT_DESCRIPTOR = 5;
/** The descriptor from which a warm interpreter reads its program, once, to the end. */
export const INPUT_DESCRIPTOR = 5;
/** Where an interpreter that a zygote has executed writes the content of its stdin. */
export const STDIN_DESCRIPTOR = 6;

const ARTIFACT_LENGTH_BYTES = 4;
/** The largest artifact that an interpreter may write before its program's output. */
export const MAX_ARTIFACT_BYTES = 1024 * 1024 - ARTIFACT_LENGTH_BYTES;

/** A word as a shell reads it literally. */
export function shellQuote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
