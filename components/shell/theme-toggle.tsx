'use client';

import { Monitor, Moon, Sun } from 'lucide-react';
import { IconButton } from '#components/ui/icon-button';
import { Menu } from '#components/ui/menu';
import type { Theme } from './theme.ts';
import { applyTheme, useTheme } from './use-theme.ts';

const CHOICES = [
  { theme: 'system', label: 'System', icon: Monitor },
  { theme: 'light', label: 'Light', icon: Sun },
  { theme: 'dark', label: 'Dark', icon: Moon },
] as const;

export function ThemeToggle({ initial }: { initial: Theme }) {
  const theme = useTheme(initial);
  const Icon = CHOICES.find((choice) => choice.theme === theme)?.icon ?? Monitor;
  return (
    <Menu
      side="right"
      trigger={
        <IconButton label={`Appearance: ${theme}`} side="right" className="max-md:size-10">
          <Icon className="size-[1.125rem]" strokeWidth={1.75} aria-hidden />
        </IconButton>
      }
      items={CHOICES.map(({ theme: value, label, icon: ChoiceIcon }) => ({
        label,
        icon: <ChoiceIcon className="size-4" aria-hidden />,
        checked: value === theme,
        onSelect: () => applyTheme(value),
      }))}
    />
  );
}
