'use client';

import { THEME_ICONS } from '#components/shell/theme-icons';
import { IconButton } from '#components/ui/icon-button';
import { Menu } from '#components/ui/menu';
import { SHELL_STRINGS } from './strings.ts';
import { THEMES, type Theme } from './theme.ts';
import { applyTheme, useTheme } from './use-theme.ts';

export function ThemeToggle({ initial }: { initial: Theme }) {
  const theme = useTheme(initial);
  const Icon = THEME_ICONS[theme];
  return (
    <Menu
      side="right"
      trigger={
        <IconButton label={SHELL_STRINGS.themeIs(theme)} side="right">
          <Icon className="size-[1.125rem]" strokeWidth={1.75} aria-hidden />
        </IconButton>
      }
      items={THEMES.map((value) => {
        const ChoiceIcon = THEME_ICONS[value];
        return {
          label: SHELL_STRINGS.themeName(value),
          icon: <ChoiceIcon className="size-4" aria-hidden />,
          checked: value === theme,
          onSelect: () => applyTheme(value),
        };
      })}
    />
  );
}
