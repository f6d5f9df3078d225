import { describe } from 'vitest';
import { testBench } from '#lib/runner/testing';
import { IMPATIENT, tryHostilePrograms } from '#lib/runner/testing-attacks';

// Every attack runs in the real sandbox. Where there is none, these fail: containment that was not tried is not there.

describe('hostile programs, with the control groups of this machine', () => {
  tryHostilePrograms(testBench({ settings: IMPATIENT }), 'bubblewrap');
});

// A watchdog bounds memory then: the attacks that use things up are tried against it too.
describe('hostile programs, without control groups', () => {
  tryHostilePrograms(
    testBench({ settings: IMPATIENT, controlGroups: () => undefined }),
    'bubblewrap',
    /^(resources|time|output)\/.*(?<!java|go)$/,
  );
});
