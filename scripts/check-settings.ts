/**
 * Ends with 1 and one message where a setting is bad, before time is spent on a build. With
 * `--port`, for a server that is to start, also where the Redis of its workers is not installed;
 * and with 98 where it could not listen.
 */
import { findRedisProgram, needsEmbeddedRedis, noRedisProgram } from '#lib/cluster/redis-program';
import { ConfigError, config, listenHost } from '#lib/config/config';
import { tryListening } from '#lib/server/listen-error';

const CANNOT_LISTEN = 98;

try {
  const settings = config();
  if (process.argv.includes('--port')) {
    if (needsEmbeddedRedis(settings) && findRedisProgram() === undefined) {
      process.stderr.write(`${noRedisProgram(settings)}\n`);
      process.exit(1);
    }
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
