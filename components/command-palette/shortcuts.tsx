'use client';

import { keyName, SHORTCUTS } from './keyboard-shortcuts.ts';

export function Shortcuts() {
  const groups = Map.groupBy(SHORTCUTS, ({ where }) => where);
  return (
    <div className="flex flex-col gap-4">
      {[...groups].map(([where, shortcuts]) => (
        <section key={where} aria-label={where}>
          <h3 className="mb-1 text-ink-3 text-xs">{where}</h3>
          <dl>
            {shortcuts.map(({ keys, what }) => (
              <div key={what} className="flex items-center justify-between gap-4 border-t py-1.5">
                <dt>{what}</dt>
                <dd className="flex gap-1">
                  {keys.map((key) => (
                    <kbd
                      key={key}
                      className="min-w-6 rounded-sm border bg-sunken px-1.5 text-center font-sans text-ink-2 text-xs leading-5"
                    >
                      {keyName(key, navigator.platform)}
                    </kbd>
                  ))}
                </dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
    </div>
  );
}
