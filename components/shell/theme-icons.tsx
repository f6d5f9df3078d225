import { Monitor, Moon, Sun } from 'lucide-react';
import type { Theme } from './theme.ts';

export const THEME_ICONS: Record<Theme, typeof Sun> = { system: Monitor, light: Sun, dark: Moon };
