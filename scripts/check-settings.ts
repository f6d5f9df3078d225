/** Ends with 1 and one message where a setting is bad, before time is spent on a build. */
import { ConfigError, config } from '#lib/config/index';

try {
  config();
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}
