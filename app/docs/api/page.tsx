import type { Metadata } from 'next';
import { headers } from 'next/headers';
import { ApiReference } from '#components/api-reference/api-reference';
import { CodeFont } from '#components/shell/fonts';
import { authMode } from '#lib/config/auth-mode';
import { config } from '#lib/config/config';
import { forwardedScheme } from '#lib/http/cors';
import { apiReference } from '#lib/openapi/api-reference';

export const metadata: Metadata = { title: 'API' };

export default async function ApiPage() {
  const requestHeaders = await headers();
  const protocol = forwardedScheme(requestHeaders.get('x-forwarded-proto'));
  const reader = {
    origin: `${protocol}://${requestHeaders.get('host') ?? 'localhost:3000'}`,
    needsKey: authMode(config()) !== 'none',
  };
  return (
    <>
      <CodeFont />
      <ApiReference reference={apiReference(reader)} />
    </>
  );
}
