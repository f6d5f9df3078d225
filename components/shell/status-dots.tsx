'use client';

import { Popover } from '@base-ui/react/popover';
import clsx from 'clsx';
import { type Level, modelStatus, runnerStatus, type Status, useModels, useRunnerHealth } from '#lib/client/status';

/** Whether the model and the runner are there: a dot each, and the words on hover, focus or touch. */
export function StatusDots() {
  const models = useModels();
  const runner = useRunnerHealth();
  return (
    <div className="flex items-center md:w-full md:flex-col md:gap-0.5">
      <Dot name="Model" status={modelStatus(models.data, models.error)} />
      <Dot name="Runner" status={runnerStatus(runner.data, runner.error)} />
    </div>
  );
}

const COLOURS: Record<Level, string> = {
  good: 'bg-good',
  warn: 'bg-warn',
  error: 'bg-error',
  unknown: 'bg-ink-3 breathing',
};

const WORDS: Record<Level, string> = { good: 'on', warn: 'on, with a note', error: 'off', unknown: 'not known yet' };

function Dot({ name, status }: { name: string; status: Status }) {
  return (
    <Popover.Root>
      <Popover.Trigger
        openOnHover
        delay={100}
        aria-label={`${name}: ${WORDS[status.level]}. ${status.sentence}`}
        className="flex h-10 min-w-9 items-center justify-center gap-1.5 rounded-md px-2 text-ink-2 text-xs transition-colors hover:bg-hover hover:text-ink md:h-8 md:w-full md:px-0"
      >
        <span
          className={clsx(
            'size-2 shrink-0 rounded-full',
            COLOURS[status.level],
            status.level === 'error' && 'outline outline-[1.5px] outline-error outline-offset-[1.5px]',
          )}
        />
        <span className="max-md:sr-only">{name}</span>
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Positioner side="right" align="end" sideOffset={8} collisionPadding={8} className="z-50">
          <Popover.Popup className="w-[min(18rem,calc(100vw-1rem))] rounded-lg bg-surface p-3 text-sm shadow-float outline-none transition-opacity data-ending-style:opacity-0 data-starting-style:opacity-0">
            <Popover.Title className="flex items-center gap-2 font-medium">
              <span className={clsx('size-2 rounded-full', COLOURS[status.level])} />
              {name}
            </Popover.Title>
            <Popover.Description className="mt-1 text-ink-2 [overflow-wrap:anywhere]">
              {status.sentence}
            </Popover.Description>
          </Popover.Popup>
        </Popover.Positioner>
      </Popover.Portal>
    </Popover.Root>
  );
}
