import { describe } from 'vitest';
import { HOSTILE_SETTINGS, testHostilePrograms } from '../../../test/support/hostile-programs.ts';
import { runnerHarness } from '../../../test/support/runner-harness.ts';

// Every attack runs in the real sandbox. Without one, these tests fail and are not skipped.

describe('hostile programs, with the control groups of this machine', () => {
  testHostilePrograms(runnerHarness({ settings: HOSTILE_SETTINGS }), 'bubblewrap');
});

// A watchdog bounds memory then: the attacks that use things up are tried against it too.
describe('hostile programs, without control groups', () => {
  testHostilePrograms(
    runnerHarness({ settings: HOSTILE_SETTINGS, controlGroups: () => undefined }),
    'bubblewrap',
    /^(resources|time|output)\/.*(?<!java|go)$/,
  );
});
