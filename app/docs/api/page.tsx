import type { Metadata } from 'next';
import { headers } from 'next/headers';
import { ApiReference } from '#components/api-reference/api-reference';
import { CodeFont } from '#components/shell/fonts';
import { authMode } from '#lib/config/auth-mode';
import { config } from '#lib/config/config';
import { VERSION } from '#lib/config/version';
import { forwardedScheme } from '#lib/http/cors';
import { apiReference } from '#lib/openapi/api-reference';
import { EXAMPLE_ORIGIN } from '../../../components/api-reference/markup-store.ts';

export const metadata: Metadata = { title: 'API' };

interface ApiPageProps {
  searchParams: Promise<Record<string, string | string[] | undefined>>;
}

export default async function ApiPage({ searchParams }: ApiPageProps) {
  const [requestHeaders, { part }] = await Promise.all([headers(), searchParams]);
  const protocol = forwardedScheme(requestHeaders.get('x-forwarded-proto'));
  const needsKey = authMode(config()) !== 'none';
  return (
    <>
      <CodeFont />
      <ApiReference
        read={() => apiReference({ origin: EXAMPLE_ORIGIN, needsKey })}
        version={VERSION}
        origin={`${protocol}://${requestHeaders.get('host') ?? 'localhost:3000'}`}
        needsKey={needsKey}
        // Next hides the headers by which it marks its requests. Those accept anything.
        isDocument={requestHeaders.get('accept')?.includes('text/html') === true}
        hasSchemasOnly={part === 'schemas'}
      />
    </>
  );
}
