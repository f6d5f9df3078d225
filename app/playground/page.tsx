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

/** The program of a link is in the part of the address that no server sees: until it is read, no other one is shown in its place. */
const HIDE_FIRST = "if(location.hash.length>1)document.documentElement.dataset.linked=''";
