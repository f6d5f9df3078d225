import { gatewayRoute } from '#lib/gateway/fetch-handler';
import { unsupportedApi } from '#lib/server/unsupported-api';

/** Forwards what no other route serves. `server.ts` handles these paths before any route. */
export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = gatewayRoute('/[...path]', unsupportedApi);
