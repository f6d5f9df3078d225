import { route } from '#lib/http/route';
import { deleteBanner, putBanner, readBanner } from '#lib/people/admin/banner-handlers';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/admin/banner',
  { GET: readBanner, PUT: putBanner, DELETE: deleteBanner },
  { right: { GET: 'signed-in', PUT: 'admin', DELETE: 'admin' }, quiet: true },
);
