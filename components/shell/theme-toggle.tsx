'use client';

import { Monitor, Moon, Sun } from 'lucide-react';
import { useState } from 'react';
import { IconButton } from '#components/ui/icon-button';
import { Menu, MenuRadioGroup, MenuRadioItem } from '#components/ui/menu';
import { applyTheme, parseTheme, type Theme } from '#lib/client/theme';

const CHOICES = [
  { theme: 'system', label: 'System', icon: Monitor },
  { theme: 'light', label: 'Light', icon: Sun },
  { theme: 'dark', label: 'Dark', icon: Moon },
] as const;

export function ThemeToggle({ initial }: { initial: Theme }) {
  const [theme, setTheme] = useState(initial);
  const Icon = CHOICES.find((choice) => choice.theme === theme)?.icon ?? Monitor;
  return (
    <Menu
      side="right"
      trigger={
        <IconButton label={`Appearance: ${theme}`} side="right" className="max-md:size-10">
          <Icon className="size-[1.125rem]" strokeWidth={1.75} aria-hidden />
        </IconButton>
      }
    >
      <MenuRadioGroup
        value={theme}
        onValueChange={(value: unknown) => {
          const chosen = parseTheme(String(value));
          setTheme(chosen);
          applyTheme(chosen);
        }}
      >
        {CHOICES.map(({ theme: value, label, icon: ChoiceIcon }) => (
          <MenuRadioItem key={value} value={value} icon={<ChoiceIcon className="size-4" aria-hidden />}>
            {label}
          </MenuRadioItem>
        ))}
      </MenuRadioGroup>
    </Menu>
  );
}
