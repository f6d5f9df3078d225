/**
 * Runs a program in each language in the sandbox of this machine, and prints how each ended, as
 * JSON.
 */

import { runner } from '#lib/runner/index';
import { LANGUAGES } from '#lib/runner/languages/index';

const statuses: Record<string, string> = {};
await runner().prepared();
for (const { id, sample } of LANGUAGES) {
  const { status } = await runner().run({ language: id, code: sample, stdin: '3\n' }, { caller: 'try-languages' });
  statuses[id] = status;
}
await runner().close();
process.stdout.write(`${JSON.stringify(statuses)}\n`);
