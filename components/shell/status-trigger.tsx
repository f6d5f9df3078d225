import type { ComponentProps } from 'react';
import { StatusDot } from '#components/ui/status-dot';
import { tip } from '#components/ui/tooltip';
import { SHELL_STRINGS } from './strings.ts';
import type { Service } from './use-services.ts';

export function StatusTrigger({ service, ...props }: { service: Service } & ComponentProps<'button'>) {
  const { label, name, status } = service;
  return (
    <button
      type="button"
      aria-label={SHELL_STRINGS.serviceStatus(name, status.level, status.sentence)}
      {...tip(SHELL_STRINGS.serviceTip(name, status.sentence), undefined, 'right')}
      {...props}
      className="flex h-8 w-full items-center justify-center gap-1.5 rounded-md text-ink-2 text-xs transition-colors hover:bg-hover hover:text-ink data-popup-open:bg-hover pointer-coarse:h-10"
    >
      <StatusDot level={status.level} />
      {label}
    </button>
  );
}
