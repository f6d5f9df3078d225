import type { PostgresCursor, PostgresPool, PostgresPoolClient, PostgresQueryResult } from 'kysely';
import { unavailableFrom } from '#lib/store/engines/postgres/errors';

/** A pool for Kysely whose failures are `StoreUnavailable`, as those of the SQLite engine are. */
export class MappedPool implements PostgresPool {
  readonly options: object;
  readonly #pool: PostgresPool;
  /** Kysely keeps what it knows of a connection by its client. */
  readonly #clients = new WeakMap<PostgresPoolClient, MappedClient>();

  constructor(pool: PostgresPool) {
    this.#pool = pool;
    this.options = pool.options;
  }

  async connect(): Promise<PostgresPoolClient> {
    const client = await mapped(this.#pool.connect());
    const known = this.#clients.get(client) ?? new MappedClient(client);
    this.#clients.set(client, known);
    return known;
  }

  async end(): Promise<void> {
    await this.#pool.end();
  }
}

class MappedClient implements PostgresPoolClient {
  readonly #client: PostgresPoolClient;

  constructor(client: PostgresPoolClient) {
    this.#client = client;
  }

  query<Row>(sql: string, parameters: readonly unknown[]): Promise<PostgresQueryResult<Row>>;
  query<Row>(cursor: PostgresCursor<Row>): PostgresCursor<Row>;
  query<Row>(
    sql: string | PostgresCursor<Row>,
    parameters: readonly unknown[] = [],
  ): Promise<PostgresQueryResult<Row>> | PostgresCursor<Row> {
    if (typeof sql !== 'string') return this.#client.query(sql);
    return mapped(this.#client.query<Row>(sql, parameters));
  }

  release(destroy?: boolean): void {
    this.#client.release(destroy);
  }
}

async function mapped<T>(result: Promise<T>): Promise<T> {
  try {
    return await result;
  } catch (error) {
    throw unavailableFrom(error) ?? error;
  }
}
