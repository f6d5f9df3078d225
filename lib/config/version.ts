import packageJson from '../../package.json' with { type: 'json' };

/** The app's version, as health and statistics report it. */
export const VERSION: string = packageJson.version;
