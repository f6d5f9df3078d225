/**
 * Ends with 1 and one message where a setting is bad, before time is spent on a build; with
 * `--port`, ends with 98 where the server could not listen.
 */
import { ConfigError, config, listenHost } from '#lib/config/config';
import { tryListening } from '#lib/server/listen-error';

const CANNOT_LISTEN = 98;

try {
  const settings = config();
  if (process.argv.includes('--port')) {
    const failure = await tryListening({ host: listenHost(settings), port: settings.PORT });
    if (failure !== undefined) {
      process.stderr.write(`${failure}\n`);
      process.exit(CANNOT_LISTEN);
    }
  }
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}
