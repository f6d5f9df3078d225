import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findLanguage, LANGUAGES } from '#lib/languages/index';
import { LANGUAGE_INFOS } from '#lib/languages/infos';
import { languageIdSchema } from '#lib/wire/code';
import { runnerHarness } from '../../test/support/runner-harness.ts';

const { runner } = runnerHarness();
/** Go's library is compiled at the first start. */
const PREPARATION_MS = 600_000;
beforeAll(() => runner.prepared(), PREPARATION_MS);
afterAll(() => runner.close());

describe('the languages', () => {
  it('have a runner each, in the order of the infos and of the wire', () => {
    expect(LANGUAGES.map(({ id }) => id)).toEqual(LANGUAGE_INFOS.map(({ id }) => id));
    expect(LANGUAGES.map(({ id }) => id)).toEqual(languageIdSchema.options);
  });

  it('have distinct spellings, extensions and executors', () => {
    const extensions = LANGUAGE_INFOS.flatMap(({ extension, otherExtensions = [] }) => [extension, ...otherExtensions]);
    expect(new Set(extensions).size).toBe(extensions.length);
    const ports = new Map(LANGUAGE_INFOS.map(({ executor }) => [executor.port, executor.name]));
    expect(ports.size).toBe(new Set(LANGUAGE_INFOS.map(({ executor }) => executor.name)).size);
    for (const { executor } of LANGUAGE_INFOS) expect(ports.get(executor.port)).toBe(executor.name);
    const spellings = LANGUAGES.flatMap(({ id, aliases }) => [id, ...aliases]);
    expect(new Set(spellings).size).toBe(spellings.length);
    for (const spelling of ['py', 'js', 'node', 'ts', 'c++', 'golang', 'rs'])
      expect(findLanguage(spelling)).toBeDefined();
    expect(findLanguage('cobol')).toBeUndefined();
  });

  it.each(LANGUAGES.map((language) => [language.name, language] as const))(
    '%s runs its hello program',
    async (_name, language) => {
      const result = await runner.run(
        { language: language.id, code: language.helloProgram, stdin: 'world\n' },
        { caller: 'test' },
      );
      expect(result).toMatchObject({ status: 'success', stderr: '' });
      expect(result.stdout).toContain('Hello, world!');
    },
  );
});
