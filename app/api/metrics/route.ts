import { plainText } from '#lib/http/reply';
import { route } from '#lib/http/route';
import { metrics } from '#lib/observe/metrics';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/metrics',
  {
    GET: async () => {
      const { registry } = metrics();
      return plainText(await registry.metrics(), { 'content-type': registry.contentType });
    },
  },
  { quiet: true },
);
