import { gatewayRoute } from '#lib/gateway/fetch-handler';

/** What nothing else here serves goes to the private backend. `server.ts` does the same before it asks any route. */
export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = gatewayRoute('/[...path]');
