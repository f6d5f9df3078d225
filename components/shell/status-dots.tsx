'use client';

import clsx from 'clsx';
import { tip } from '#components/ui/tooltip';
import {
  modelStatus,
  runnerStatus,
  type ServiceStatus,
  type StatusLevel,
  useModels,
  useRunnerHealth,
} from '#lib/browser/service-status';

/** The state of model and runner as dots, with a sentence on hover, focus or tap. */
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

const COLOURS: Record<StatusLevel, string> = {
  good: 'bg-good',
  warn: 'bg-warn',
  error: 'bg-error',
  unknown: 'bg-ink-3',
};

const LEVEL_LABELS: Record<StatusLevel, string> = {
  good: 'on',
  warn: 'on, with a note',
  error: 'off',
  unknown: 'not known yet',
};

function Dot({ name, status }: { name: string; status: ServiceStatus }) {
  return (
    <button
      type="button"
      aria-label={`${name}: ${LEVEL_LABELS[status.level]}. ${status.sentence}`}
      {...tip(`${name}: ${status.sentence}`, undefined, 'right')}
      data-tip-tap
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
    </button>
  );
}
