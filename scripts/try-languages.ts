/**
 * Runs a program in each language in the sandbox of this machine, and prints how each ended, as
 * JSON.
 */

import { LANGUAGES } from '#lib/languages/index';
import { runner } from '#lib/runner/index';

// The opt-in languages, too.
process.env.CODE_LANGUAGES = LANGUAGES.map(({ id }) => id).join(',');

const statuses: Record<string, string> = {};
await runner().prepared();
for (const { id, helloProgram: sample } of LANGUAGES) {
  const { status } = await runner().run({ language: id, code: sample, stdin: '3\n' }, { caller: 'try-languages' });
  statuses[id] = status;
}
await runner().close();
process.stdout.write(`${JSON.stringify(statuses)}\n`);
