/**
 * Splits hydration into two tasks, so that key presses are handled between them. Modules that are
 * needed anyway start in the first task. Next starts with the page after its `beforeInteractive`
 * scripts, and an empty one ends the first task.
 * https://nextjs.org/docs/app/api-reference/components/script
 */
import 'next/navigation';
import 'react-dom/client';

declare global {
  var __next_s: [src: 0, props: { children: string }][] | undefined;
}

globalThis.__next_s ??= [];
globalThis.__next_s.push([0, { children: '' }]);
