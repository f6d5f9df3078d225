import { describe, expect, it } from 'vitest';
import { readConfig } from '#lib/config/config';
import { LANGUAGES } from '#lib/languages/index';
import { enabledLanguages, localLanguages } from '#lib/runner/enabled-languages';

const ids = (languages: readonly { id: string }[]) => languages.map(({ id }) => id);

describe('what a process offers', () => {
  it('is the language of its role, in every spelling that the runner knows', () => {
    for (const { id, aliases } of LANGUAGES)
      for (const EXECUTOR_LANGUAGE of [id, ...aliases])
        expect(ids(enabledLanguages(readConfig({ EXECUTOR_LANGUAGE })))).toEqual(
          id === 'javascript' ? ['javascript', 'typescript'] : [id],
        );
  });

  it('is run here where no executor is set for it, and always by an executor itself', () => {
    const env = { JAVASCRIPT_EXECUTOR_URL: 'http://a:8002, http://b:8002', GO_EXECUTOR_URL: 'http://c' };
    expect(ids(localLanguages(readConfig(env)))).toEqual(['python', 'java', 'cpp', 'rust']);
    expect(ids(localLanguages(readConfig({ ...env, EXECUTOR_LANGUAGE: 'go' })))).toEqual(['go']);
  });
});
