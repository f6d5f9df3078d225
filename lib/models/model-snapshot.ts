import { AppError } from '#lib/errors';
import { isSameTaggedModel } from '#lib/models/model-name';
import type { ResolvedModel } from '#lib/models/model-route';
import type { ModelServer, ServerModel } from '#lib/models/model-server';
import type { ProviderDefinition } from '#lib/models/provider';
import type { ProviderState } from '#lib/wire/models';

export interface SnapshotModel {
  info: ServerModel;
  servers: readonly ModelServer[];
  hasTags: boolean;
}

/** The lists of all active servers, read at the same time. A model is there once per provider. */
export interface ModelSnapshot {
  models: SnapshotModel[];
  states: ProviderState[];
  errors: AppError[];
  readAt: number;
  /** What names were resolved to. */
  resolved: Map<string | undefined, ResolvedModel>;
  /** The settings with which they were. */
  defaultsVersion: number;
}

/** The models of servers of one kind. A model that several have is there once. */
export function listedModels(servers: readonly ModelServer[], hasTags: boolean): SnapshotModel[] {
  const byId = new Map<string, { info: ServerModel; servers: ModelServer[] }>();
  for (const server of servers)
    for (const info of server.models ?? []) {
      const known = byId.get(info.id);
      if (known === undefined) byId.set(info.id, { info, servers: [server] });
      else {
        known.servers.push(server);
        if (info.loaded && !known.info.loaded) known.info = { ...known.info, loaded: true };
        if (info.digest !== known.info.digest) known.info = { ...known.info, versions_differ: true };
      }
    }
  return [...byId.values()].map((model) => ({ ...model, hasTags }));
}

export function listError({ displayName }: ProviderDefinition, error: unknown): AppError {
  if (AppError.is(error)) return error;
  return new AppError('provider_unavailable', `${displayName} did not list its models in time.`, { cause: error });
}

export function findListed({ models }: ModelSnapshot, name: string): SnapshotModel | undefined {
  return (
    models.find(({ info }) => info.id === name) ??
    models.find(({ info, hasTags }) => hasTags && isSameTaggedModel(info.id, name))
  );
}

/** The reason why no active provider lists a model, with what to do. */
export function noModelNotice({ models, errors: [error] }: ModelSnapshot): string | undefined {
  return models.length === 0 ? error?.message : undefined;
}
