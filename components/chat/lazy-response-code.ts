import dynamic from 'next/dynamic';
import { ListedCode } from './listed-code.ts';

const code = new ListedCode<typeof import('./response-code.ts')>();

/** Fetched with the reader's first input, or for a response that runs. */
export const responseCode = code.fetch;

/** In a page that opens with a chat, whose response may be running. */
export const PreloadedResponseCode = dynamic(code.list(() => import('./response-code.ts')));
