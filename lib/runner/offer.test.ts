import { describe, expect, it } from 'vitest';
import { readConfig } from '#lib/config/index';
import { LANGUAGES } from '#lib/runner/languages/index';
import { localLanguages, offeredLanguages } from '#lib/runner/offer';

const ids = (languages: readonly { id: string }[]) => languages.map(({ id }) => id);

describe('what a process offers', () => {
  it('is the language of its role, in every spelling that the runner knows', () => {
    for (const { id, aliases } of LANGUAGES)
      for (const EXECUTOR_LANGUAGE of [id, ...aliases])
        expect(ids(offeredLanguages(readConfig({ EXECUTOR_LANGUAGE })))).toEqual(
          id === 'javascript' ? ['javascript', 'typescript'] : [id],
        );
  });

  it('is run here where no executor is set for it, and always by an executor itself', () => {
    const env = { JAVASCRIPT_EXECUTOR_URL: 'http://a:8002, http://b:8002', GO_EXECUTOR_URL: 'http://c' };
    expect(ids(localLanguages(readConfig(env)))).toEqual(['python', 'java', 'cpp', 'rust']);
    expect(ids(localLanguages(readConfig({ ...env, EXECUTOR_LANGUAGE: 'go' })))).toEqual(['go']);
  });
});
