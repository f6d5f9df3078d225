import { mayUseEveryModel } from '#lib/chat/allowed-models';
import { chatEngine } from '#lib/chat/engine-singleton';
import type { Config } from '#lib/config/config';
import { gateway } from '#lib/gateway/index';
import type { RequestHeaders } from '#lib/http/http-request';
import { identifyReader } from '#lib/http/identity';
import { meOf } from '#lib/http/me';
import { hasRight, type Principal, type Right } from '#lib/http/principal';
import { modelDirectory } from '#lib/models/model-directory';
import { runner } from '#lib/runner/index';
import { currentStats } from '#lib/server/current-stats';
import type { InitialData, InitialDataKey, InitialDataReader, InitialDataSource } from '#lib/server/initial-data';
import { statsHistory } from '#lib/server/stats-history';

/** The initial data of this process, as its API has it. */
export function initialData(settings: Config): InitialData {
  return { data: dataSource(settings), findReader: (headers) => findInitialDataReader(headers, settings) };
}

function dataSource(settings: Config): InitialDataSource {
  return {
    models: (signal) => modelDirectory().list(signal),
    runnerHealth: () => runner().health(),
    stats: () => currentStats(),
    gatewayStats: async () => gateway().stats(),
    queue: (reader) => chatEngine().overview(reader),
    me: (reader) => meOf(reader, settings),
    history: async (range, group) => statsHistory().history(range, group),
  };
}

/** The rights of the routes that have the same data. */
const RIGHTS: Readonly<Record<InitialDataKey, Right>> = {
  models: 'models-read',
  runnerHealth: 'open',
  stats: 'stats',
  gatewayStats: 'stats',
  queue: 'queue-read',
  me: 'signed-in',
  history: 'stats',
};

/** Finds the reader of a page by the headers of its request. */
export async function findInitialDataReader(
  headers: RequestHeaders,
  settings: Config,
): Promise<InitialDataReader | undefined> {
  const identity = await identifyReader(headers, settings, Date.now());
  return identity && toReader(identity.principal);
}

function toReader(principal: Principal): InitialDataReader {
  return {
    principal,
    mayRead: (part) => {
      // The list of a reader with some models only is not the one that all share.
      if (part === 'models' && !mayUseEveryModel(principal)) return false;
      return hasRight(principal, RIGHTS[part]);
    },
  };
}
