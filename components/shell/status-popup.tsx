'use client';

import { Popover } from '@base-ui/react/popover';
import { PageLink } from '#components/shell/page-link';
import { StatusTrigger } from '#components/shell/status-trigger';
import { buttonClasses } from '#components/ui/button';
import { OperatorDetails } from '#components/ui/operator-details';
import { StatusDot } from '#components/ui/status-dot';
import { TextWithCode } from '#components/ui/text-with-code';
import { SHELL_STRINGS } from './strings.ts';
import type { Service } from './use-services.ts';

/** The popover itself, open from its first render. */
export function StatusPopup({ service }: { service: Service }) {
  return (
    <Popover.Root defaultOpen>
      <Popover.Trigger render={<StatusTrigger service={service} />} />
      <Popover.Portal>
        <Popover.Positioner side="right" align="end" sideOffset={6} collisionPadding={8} className="z-70">
          <Popover.Popup className="flex w-[min(18rem,calc(100vw-1rem))] flex-col gap-3 rounded-lg bg-surface p-4 text-sm shadow-float outline-none transition-opacity data-ending-style:opacity-0 data-starting-style:opacity-0">
            <ServiceLine service={service} title={Popover.Title} />
            <PageLink href="/dashboard" className={buttonClasses('secondary', 'sm')}>
              {SHELL_STRINGS.openDashboard}
            </PageLink>
          </Popover.Popup>
        </Popover.Positioner>
      </Popover.Portal>
    </Popover.Root>
  );
}

/** A service with its state in words. */
export function ServiceLine({ service, title: Title }: { service: Service; title: typeof Popover.Title | 'h3' }) {
  const { name, status } = service;
  return (
    <div className="flex min-w-0 flex-col gap-0.5">
      <div className="flex items-center gap-2">
        <StatusDot level={status.level} />
        <Title className="font-medium text-sm">{name}</Title>
        <span className="text-ink-2 text-xs">{SHELL_STRINGS.level(status.level)}</span>
      </div>
      <p className="ps-4 text-ink-2 [overflow-wrap:anywhere]">
        <TextWithCode text={status.sentence} />
      </p>
      <div className="ps-4">
        <OperatorDetails text={status.details} />
      </div>
    </div>
  );
}
