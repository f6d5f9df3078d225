import { afterAll } from 'vitest';
import { type PostgresServer, startPostgres } from './postgres.ts';

type Environment = () => Promise<Record<string, string>>;

/** The settings of a server with an empty database on each engine, for the tests of one file. */
export function databaseEngines(): readonly (readonly [name: string, environment: Environment])[] {
  let postgres: PostgresServer | undefined;
  afterAll(async () => {
    await postgres?.close();
  });
  const onPostgres = async () => {
    postgres ??= await startPostgres();
    return { DATABASE_URL: await postgres.createDatabase() };
  };
  return [
    ['SQLite', async () => ({})],
    ['Postgres', onPostgres],
  ];
}
