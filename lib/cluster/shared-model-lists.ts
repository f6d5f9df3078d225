import { z } from 'zod';
import { execute, repliesOf } from '#lib/cluster/replies';
import type { ClusterLink } from '#lib/cluster/shared-types';
import type { ModelServer, ServerModel } from '#lib/models/model-server';
import type { ModelServers, SharedLists } from '#lib/models/servers';
import { KIB, MINUTE_MS, SECOND_MS } from '#lib/units';
import { modelInfoSchema } from '#lib/wire/models';

/** How often the list of a server is read by one of all instances. */
const PERIOD_MS = 15 * SECOND_MS;
/** Timers of instances are not exact: a period may begin a bit sooner. */
const POLL_TTL_MS = PERIOD_MS - SECOND_MS;
const LIST_TTL_MS = 2 * MINUTE_MS;
/** A longer list is read by each instance. */
const MAX_LIST_BYTES = 256 * KIB;

const modelsSchema = z.array(modelInfoSchema.omit({ is_default: true }));
const listSchema = z.object({
  /** When it was read, by the clock of Redis. */
  at: z.number(),
  models: modelsSchema,
});

type List = z.output<typeof listSchema>;

/** What this instance knows to be in Redis. */
interface Known {
  readonly at: number;
  readonly text: string;
}

/**
 * What model servers have and have loaded, as the last instance has read it: one of them reads a
 * list in each period, and one that reads it for another reason, such as a model that was loaded,
 * reports to the others what is different. Of a server that one of them does not reach, all others
 * look at once whether they do: it is up as long as one does.
 */
export class SharedModelLists implements SharedLists {
  readonly #link: ClusterLink;
  readonly #servers: ModelServers;
  readonly #known = new Map<string, Known>();
  /** Servers that are down, which the others know. */
  readonly #unreached = new Set<string>();

  constructor(link: ClusterLink, servers: ModelServers) {
    this.#link = link;
    this.#servers = servers;
    servers.onChange((server) => this.#handleChange(server));
  }

  /** Another instance does not reach a server. */
  verify(id: string): void {
    const server = this.#find(id);
    if (server !== undefined) this.#servers.verify(server);
  }

  #handleChange({ id, isUp }: ModelServer): void {
    if (isUp) this.#unreached.delete(id);
    else if (!this.#unreached.has(id)) {
      this.#unreached.add(id);
      this.#link.share({ kind: 'unreached', server: id });
    }
  }

  #find(id: string): ModelServer | undefined {
    return this.#servers.all.find((one) => one.id === id);
  }

  async findRecent({ id, kind }: ModelServer): Promise<readonly ServerModel[] | undefined> {
    const { connection, keys, instanceId } = this.#link;
    if (!connection.isUsable || kind === 'embedded') return undefined;
    try {
      const commands = connection.client.pipeline();
      commands.set(keys.poll(id), instanceId, 'PX', POLL_TTL_MS, 'NX').get(keys.modelList(id));
      const [taken, text] = repliesOf(await commands.exec());
      // It is this instance's turn.
      if (taken !== null) return undefined;
      const list = parseList(text);
      // The instance whose turn it was could not read it.
      return list === undefined || connection.now() - list.at > PERIOD_MS ? undefined : this.#accept(id, list);
    } catch {
      // The guard has recorded the failure: each instance reads for itself.
      return undefined;
    }
  }

  handleRead({ id, kind }: ModelServer, models: readonly ServerModel[]): void {
    const { connection, keys, instanceId } = this.#link;
    if (!connection.isUsable || kind === 'embedded') return;
    // As others read it, so that equal lists are equal texts.
    const text = JSON.stringify(modelsSchema.parse(models));
    if (Buffer.byteLength(text) > MAX_LIST_BYTES) return;
    const at = Math.round(connection.now());
    const isOther = this.#known.get(id)?.text !== text;
    this.#known.set(id, { at, text });
    const commands = connection.client.multi();
    commands.set(keys.modelList(id), `{"at":${at},"models":${text}}`, 'PX', LIST_TTL_MS);
    commands.set(keys.poll(id), instanceId, 'PX', POLL_TTL_MS);
    // The guard has recorded a failure, and the others read the list themselves in the next period.
    execute(commands)
      .then(() => {
        if (isOther) this.#link.share({ kind: 'models', server: id });
      })
      .catch(() => {});
  }

  /** Another instance has read another list of a server than before. Never rejects. */
  async read(id: string): Promise<void> {
    const server = this.#find(id);
    const { connection, keys } = this.#link;
    if (server === undefined || !connection.isUsable) return;
    try {
      const list = parseList(await connection.client.get(keys.modelList(id)));
      // What this instance has read meanwhile is newer.
      if (list !== undefined && list.at > (this.#known.get(id)?.at ?? 0))
        this.#servers.adopt(server, this.#accept(id, list));
    } catch {
      // The guard has recorded the failure: it is read with the next period.
    }
  }

  #accept(id: string, { at, models }: List): readonly ServerModel[] {
    this.#known.set(id, { at, text: JSON.stringify(models) });
    return models as readonly ServerModel[];
  }
}

/** Undefined for what another version has written. */
function parseList(text: unknown): List | undefined {
  if (typeof text !== 'string') return undefined;
  try {
    return listSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
