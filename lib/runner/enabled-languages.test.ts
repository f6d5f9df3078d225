import { describe, expect, it } from 'vitest';
import { readConfig } from '#lib/config/config';
import { LANGUAGES } from '#lib/languages/index';
import { enabledLanguages, localLanguages } from '#lib/runner/enabled-languages';

const ids = (languages: readonly { id: string }[]) => languages.map(({ id }) => id);

const OPT_IN: readonly string[] = LANGUAGES.filter(({ isOptIn }) => isOptIn).map(({ id }) => id);

describe('what a process offers', () => {
  it('leaves out the opt-in languages unless CODE_LANGUAGES names them', () => {
    expect(OPT_IN).toEqual(['c', 'bash']);
    expect(ids(enabledLanguages(readConfig({})))).toEqual(ids(LANGUAGES).filter((id) => !OPT_IN.includes(id)));
    expect(ids(enabledLanguages(readConfig({ CODE_LANGUAGES: 'sh, C++,c' })))).toEqual(['cpp', 'c', 'bash']);
    for (const CODE_LANGUAGES of ['cobol', 'python,', ',']) {
      const read = () => readConfig({ CODE_LANGUAGES }).CODE_LANGUAGES;
      if (CODE_LANGUAGES === 'python,') expect(read()).toEqual(['python']);
      else expect(read).toThrow(/CODE_LANGUAGES must/);
    }
  });

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
