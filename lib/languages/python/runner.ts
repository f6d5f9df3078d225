import type { Language } from '#lib/languages/language';
import { info } from '#lib/languages/python/info';
import { pythonValidator } from '#lib/languages/python/validator';
import { PYTHON_ENVIRONMENT, warmPython } from '#lib/languages/python/warm';

const INTERPRETERS = ['/usr/bin/python3', '/usr/local/bin/python3'];

export const python: Language = {
  ...info,
  mainFileName: () => info.mainFile,
  findToolchain: ({ exists }) => {
    const python3 = INTERPRETERS.find(exists);
    return python3 === undefined ? undefined : { binds: [], programs: { python3 } };
  },
  version: { command: ({ programs }) => [`${programs.python3}`, '--version'], pattern: /Python (\S+)/ },
  installHint: 'Install Python: apt-get install python3.',
  // `-u`: output appears at once, and none is lost at a time-out or a crash.
  run: ({ toolchain, args }) => ({
    argv: [`${toolchain.programs.python3}`, '-u', info.mainFile, ...args],
    env: PYTHON_ENVIRONMENT,
  }),
  warm: warmPython,
  validate: pythonValidator,
  helloProgram: 'name = input("Your name: ") or "world"\nprint(f"Hello, {name}!")\n',
};
