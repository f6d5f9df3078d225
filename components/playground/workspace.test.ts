import { expect, test } from 'vitest';
import { mainFileName } from '../code-run/main-file-name.ts';
import {
  fileNameError,
  fileNamesInOutput,
  fromShared,
  nextFileName,
  parseFiles,
  toCodeRequest,
  toShared,
} from './workspace.ts';

const shared = {
  language: 'python',
  code: 'import util',
  files: [{ name: 'util.py', content: 'x = 1' }],
  stdin: 'in',
  args: '-v "a b"',
  timeout: 5,
};

test('round-trips a program with files through a link and a request', () => {
  const workspace = fromShared(shared, 'python');
  expect(workspace.files.map(({ name }) => name)).toEqual(['main.py', 'util.py']);
  expect(toShared(workspace)).toEqual(shared);
  expect(toCodeRequest(workspace, ['-v'])).toEqual({
    ...{ language: 'python', code: 'import util', stdin: 'in', args: ['-v'], timeout: 5 },
    files: [{ name: 'util.py', content: 'x = 1' }],
  });
  expect(toCodeRequest(fromShared({ language: 'go', code: 'x' }, 'go'), [])).toEqual({ language: 'go', code: 'x' });
});

test('restores stored files and ignores broken ones', () => {
  expect(parseFiles('[{"name":"util.py","content":"x = 1"},{"name":2}]')).toMatchObject([shared.files[0]]);
  for (const text of ['', '{', '{}', '[1,{"name":2}]']) expect(parseFiles(text)).toEqual([]);
});

test('accepts the file names that the runner accepts', () => {
  for (const name of ['a.py', 'lib/a.py', 'data 1.txt', '_x', 'a+b.txt'])
    expect(fileNameError(name, ['main.py'])).toBeUndefined();
  for (const name of ['', '../a', '/etc/passwd', '.hidden', 'a//b', 'ä.py', 'main.py', 'main.py/a'])
    expect(fileNameError(name, ['main.py'])).toEqual(expect.any(String));
});

test('suggests a free file name', () => {
  expect(nextFileName(fromShared({ ...shared, files: [{ name: 'file2.py', content: '' }] }, 'python'))).toBe(
    'file3.py',
  );
  expect(mainFileName('java')).toBe('Main.java');
});

test('lists the file of the public class among the names in Java output', () => {
  expect(fileNamesInOutput(fromShared({ language: 'java', code: 'public class App { }' }, 'java'))).toEqual([
    'Main.java',
    'App.java',
  ]);
});
