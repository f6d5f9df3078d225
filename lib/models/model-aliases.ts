import type { AliasTarget, ModelAliases } from '#lib/config/settings/model-aliases';
import { findModel } from '#lib/models/find-model';
import type { ResolvedModel, RouteTarget } from '#lib/models/model-route';
import type { ModelServer, ServerModel } from '#lib/models/model-server';

/**
 * The models of an alias, from the first one on with a server that is up. `serversOf` finds the
 * servers of a model by its name. Undefined if no model has a server.
 */
export function resolveAlias(
  name: string,
  alias: readonly AliasTarget[],
  servers: readonly ModelServer[],
  serversOf: (model: string) => RouteTarget | undefined,
): ResolvedModel | undefined {
  const targets = alias.flatMap(({ model, server: only }): RouteTarget[] => {
    if (only === undefined) {
      const found = serversOf(model);
      return found === undefined ? [] : [found];
    }
    const server = servers.find((each) => each.name === only);
    return server === undefined ? [] : [{ model: server.find(model)?.id ?? model, servers: [server] }];
  });
  const firstUp = targets.findIndex((target) => target.servers.some((server) => canRun(server, target.model)));
  const tried = targets.slice(Math.max(0, firstUp));
  const [first] = tried;
  if (first === undefined) return undefined;
  const chosen = first.servers.find((server) => canRun(server, first.model)) ?? first.servers[0];
  return chosen && { provider: chosen.provider, model: first.model, targets: tried, alias: name };
}

function canRun(server: ModelServer, model: string): boolean {
  return server.isUp && server.has(model) !== false;
}

/** The aliases in the list of models. Each has the figures of its first model that is listed. */
export function aliasModels(aliases: ModelAliases, models: readonly ServerModel[]): ServerModel[] {
  return [...aliases].flatMap(([id, targets]) => {
    const [first] = targets.flatMap(({ model, server }) => {
      const info = findModel(models, model);
      if (info === undefined || server === undefined) return info === undefined ? [] : [info];
      return info.servers?.includes(server) === true ? [{ ...info, servers: [server] }] : [];
    });
    if (first === undefined) return [];
    const aliasOf = targets.map(({ model, server }) => (server === undefined ? model : `${model}@${server}`));
    return [{ ...first, id, alias_of: aliasOf }];
  });
}
