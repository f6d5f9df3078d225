import { z } from 'zod';
import { setting } from '#lib/config/settings/setting';
import { languageIds, wholeNumber } from '#lib/config/settings/value-schemas';
import { DEFAULT_LANGUAGES, joinWords, OPT_IN_LANGUAGES } from '#lib/languages/language-names';

export const CODE_SETTINGS = {
  SANDBOX: setting(
    z.enum(['auto', 'bubblewrap', 'gvisor', 'none'], { error: 'must be auto, bubblewrap, gvisor or none' }),
    'auto',
    'auto and bubblewrap are the same; gvisor is stronger and slower, and needs runsc; none runs code bare, which is dangerous.',
  ),
  CODE_LANGUAGES: setting(
    languageIds(),
    DEFAULT_LANGUAGES.join(','),
    `The languages that are offered, comma-separated. ${joinWords(OPT_IN_LANGUAGES, 'and')} are offered only if they are named here.`,
  ),
  CODE_TIMEOUT_SECONDS: setting(
    wholeNumber(1, 3_600),
    '10',
    'Wall time of a run that asks for none; at /api/executors it is 30.',
  ),
  CODE_MAX_TIMEOUT_SECONDS: setting(wholeNumber(1, 3_600), '60', 'The longest that a request may ask for.'),
  CODE_MAX_BYTES: setting(wholeNumber(1, 100_000_000), '50000', 'Size of a program.'),
  CODE_MAX_OUTPUT_BYTES: setting(wholeNumber(1, 100_000_000), '100000', 'Size of stdout, and of stderr.'),
  CODE_MEMORY_MB: setting(wholeNumber(16, 1_048_576), '128', 'Memory of a program, all its processes together.'),
  CODE_COMPILE_MEMORY_MB: setting(wholeNumber(64, 1_048_576), '1024', 'Memory of a compiler.'),
  CODE_COMPILE_TIMEOUT_SECONDS: setting(wholeNumber(1, 3_600), '30', 'Wall time of a compiler.'),
  // Below 16, V8 never starts and the JVM ends: the program's own error would name neither the
  // cause nor this setting.
  CODE_MAX_PROCESSES: setting(
    wholeNumber(32, 100_000),
    '64',
    'Processes and threads of a program, at least 32: Node and Java need up to 16 for themselves.',
  ),
  CODE_DISK_MB: setting(wholeNumber(1, 1_048_576), '64', 'Disk of a program, gone afterwards.'),
  CODE_WARM_MEMORY_MB: setting(
    wholeNumber(0, 1_048_576),
    '512',
    'What sandboxes that wait for programs may hold, together; 0 is none.',
  ),
  CODE_MAX_CONCURRENT: setting(wholeNumber(0, 1_000), '0', 'Runs at a time; 0 is one a core.'),
  // A class of 30 that runs its programs at once, twice over: on two cores the last one waits for
  // half a minute.
  CODE_MAX_QUEUE: setting(
    wholeNumber(0, 100_000),
    '64',
    'Runs that may wait, and as many checks; one more gets 503, of the caller that has most.',
  ),
};
