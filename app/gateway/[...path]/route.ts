import { gatewayRoute } from '#lib/gateway/fetch-handler';
import { unsupportedApi } from '#lib/server/unsupported-api';

/** The gateway for paths that the app serves too. `server.ts` handles these before any route. */
export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = gatewayRoute('/gateway/[...path]', unsupportedApi);
