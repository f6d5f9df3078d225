import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { setting } from '#lib/config/settings/setting';
import { optionalText, wholeNumber } from '#lib/config/settings/value-schemas';

export const STORE_SETTINGS = {
  DATA_DIR: setting(
    optionalText().transform((path) => resolve(path ?? defaultDataDir())),
    undefined,
    'Folder of the database, made with mode 0700. Servers that should not share their data need a folder each. Default: chill-space in $XDG_DATA_HOME or in ~/.local/share; /data/database in the containers.',
  ),
  DATABASE_URL: setting(
    optionalText().refine(
      (url) => url === undefined || isPostgresUrl(url),
      'must begin with postgres:// or postgresql://',
    ),
    undefined,
    'A Postgres database instead of the file in DATA_DIR: postgres://user:password@host:5432/name. Several servers of one installation need it.',
  ),
  AUDIT_RETENTION_DAYS: setting(
    wholeNumber(1, 36_500),
    '400',
    'How long the record of what administrators changed is kept.',
  ),
};

/** See the XDG base directory specification; a relative `XDG_DATA_HOME` is ignored, as it says. */
function defaultDataDir(): string {
  const configured = process.env.XDG_DATA_HOME;
  const parent = configured?.startsWith('/') === true ? configured : join(homedir(), '.local', 'share');
  return join(parent, 'chill-space');
}

function isPostgresUrl(url: string): boolean {
  return /^postgres(?:ql)?:$/.test(URL.parse(url)?.protocol ?? '');
}
