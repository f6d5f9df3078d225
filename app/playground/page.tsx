import type { Metadata } from 'next';
import { cookies, headers } from 'next/headers';
import { Playground } from '#components/playground/playground';
import { CodeFont } from '#components/shell/fonts';
import { PROGRAM_COOKIE } from '#lib/browser/cookies';

export const metadata: Metadata = { title: 'Playground' };

export default async function PlaygroundPage() {
  const [jar, incoming] = await Promise.all([cookies(), headers()]);
  const isNew = !jar.has(PROGRAM_COOKIE);
  return (
    <>
      <CodeFont />
      {isNew ? <script nonce={incoming.get('x-nonce') ?? ''}>{HIDE_FIRST}</script> : null}
      <Playground isNew={isNew} />
    </>
  );
}

/**
 * The server does not see the fragment, which may hold a program: the first sample stays hidden
 * until the fragment is read.
 */
const HIDE_FIRST = "if(location.hash.length>1)document.documentElement.dataset.linked=''";
