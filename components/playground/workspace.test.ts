import { expect, test } from 'vitest';
import { mainFileName } from '../code-run/main-file-name.ts';
import {
  fileNameError,
  fileNamesInOutput,
  fromShared,
  nextFileName,
  parseFiles,
  serializeFiles,
  toCodeRequest,
  toShared,
} from './workspace.ts';

const shared = {
  language: 'python',
  code: 'import util',
  files: [{ name: 'util.py', content: 'x = 1' }],
  stdin: 'in',
  args: '-v "a b"',
};

test('a program with files goes into a link and a request, and comes back as it was', () => {
  const workspace = fromShared(shared, 'python');
  expect(workspace.files.map(({ name }) => name)).toEqual(['main.py', 'util.py']);
  expect(toShared(workspace)).toEqual(shared);
  expect(toCodeRequest(workspace, ['-v'])).toEqual({
    ...{ language: 'python', code: 'import util', stdin: 'in', args: ['-v'] },
    files: [{ name: 'util.py', content: 'x = 1' }],
  });
  expect(toCodeRequest(fromShared({ language: 'go', code: 'x' }, 'go'), [])).toEqual({ language: 'go', code: 'x' });
});

test('what was kept of the other files comes back; what is broken does not', () => {
  const { files } = fromShared(shared, 'python');
  expect(parseFiles(serializeFiles(files.slice(1)))).toMatchObject([{ name: 'util.py', content: 'x = 1' }]);
  expect(serializeFiles([])).toBe('');
  for (const text of ['', '{', '{}', '[1,{"name":2}]']) expect(parseFiles(text)).toEqual([]);
});

test('names are those that the runner takes', () => {
  for (const name of ['a.py', 'lib/a.py', 'data 1.txt', '_x', 'a+b.txt'])
    expect(fileNameError(name, ['main.py'])).toBeUndefined();
  for (const name of ['', '../a', '/etc/passwd', '.hidden', 'a//b', 'ä.py', 'main.py', 'main.py/a'])
    expect(fileNameError(name, ['main.py'])).toEqual(expect.any(String));
});

test('a new file gets a name that is free', () => {
  expect(nextFileName(fromShared({ ...shared, files: [{ name: 'file2.py', content: '' }] }, 'python'))).toBe(
    'file3.py',
  );
  expect(mainFileName('java')).toBe('Main.java');
});

test("Java's output speaks of the class's file", () => {
  expect(fileNamesInOutput(fromShared({ language: 'java', code: 'public class App { }' }, 'java'))).toEqual([
    'Main.java',
    'App.java',
  ]);
});
