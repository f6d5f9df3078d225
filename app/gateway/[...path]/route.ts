import { gatewayRoute } from '#lib/gateway/fetch-handler';

/** The gateway by name: for paths that the app serves too. `server.ts` does the same before it asks any route. */
export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = gatewayRoute('/gateway/[...path]');
