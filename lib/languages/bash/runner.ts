import { info } from '#lib/languages/bash/info';
import { bashValidator } from '#lib/languages/bash/validator';
import { warmBash } from '#lib/languages/bash/warm';
import type { Language } from '#lib/languages/language';

const PATHS = ['/usr/bin/bash', '/bin/bash'];

export const bash: Language = {
  ...info,
  mainFileName: () => info.mainFile,
  findToolchain: ({ exists }) => {
    const path = PATHS.find(exists);
    return path === undefined ? undefined : { binds: [], programs: { bash: path } };
  },
  version: { command: ({ programs }) => [`${programs.bash}`, '--version'], pattern: /version (\d[\d.]*)/ },
  installHint: 'Install Bash: apt-get install bash.',
  run: ({ toolchain, args }) => ({ argv: [`${toolchain.programs.bash}`, info.mainFile, ...args] }),
  warm: warmBash,
  validate: bashValidator,
  helloProgram: 'read -r name\n[[ $name ]] || name=world\necho "Hello, $name!"\n',
};
