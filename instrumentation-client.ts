/**
 * What runs before React takes a page over. A browser would do all of that in one task: the scripts' modules, React's own beginning and the
 * page's data, in which nobody who presses a key is heard (120 ms on a phone). Here it is two: modules that are needed anyway are begun in
 * the first, and Next begins with the page after its scripts of before (https://nextjs.org/docs/app/api-reference/components/script,
 * beforeInteractive), of which an empty one ends the task.
 */
import 'next/navigation';
import 'react-dom/client';

declare global {
  var __next_s: [src: 0, props: { children: string }][] | undefined;
}

globalThis.__next_s ??= [];
globalThis.__next_s.push([0, { children: '' }]);
