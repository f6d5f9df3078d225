import type { Language } from '#lib/runner/languages/language';

const PLACES = ['/usr/bin/python3', '/usr/local/bin/python3'];

export const python: Language = {
  id: 'python',
  name: 'Python',
  aliases: ['py', 'python3'],
  mainFile: () => 'main.py',
  extension: '.py',
  find: ({ exists }) => {
    const python3 = PLACES.find(exists);
    return python3 === undefined ? undefined : { binds: [], programs: { python3 } };
  },
  version: { command: ({ programs }) => [`${programs.python3}`, '--version'], pattern: /Python (\S+)/ },
  install: 'Install Python: apt-get install python3.',
  // Unbuffered, so that what was printed before a time-out or a crash is seen, and seen at once.
  run: ({ toolchain, args }) => ({
    argv: [`${toolchain.programs.python3}`, '-u', 'main.py', ...args],
    env: { PYTHONDONTWRITEBYTECODE: '1', PYTHONIOENCODING: 'utf-8:surrogateescape' },
  }),
  sample: 'name = input("Your name: ") or "world"\nprint(f"Hello, {name}!")\n',
};
