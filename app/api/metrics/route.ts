import { plainText } from '#lib/http/reply';
import { route } from '#lib/http/route';
import { scrapeMetrics } from '#lib/server/scrape-metrics';
import { metrics } from '#lib/telemetry/metrics';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/metrics',
  {
    GET: async () => plainText(await scrapeMetrics(), { 'content-type': metrics().promRegistry.contentType }),
  },
  { right: 'stats', quiet: true },
);
