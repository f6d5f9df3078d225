import { LEGACY_NAMES, PUBLIC_SETTINGS, SETTING_GROUPS, type SettingName } from '#lib/config/settings';

/**
 * The text of `.env.example`: every setting with its default and its description, commented out.
 */
export function envExample(): string {
  const lines = ['# Every setting, with its default. Copy to .env and take the # from the lines that you change.'];
  for (const [group, settings] of Object.entries(SETTING_GROUPS)) {
    lines.push('', `# --- ${group} ---`);
    for (const [name, { description, fallback }] of Object.entries(settings)) {
      const legacy = LEGACY_NAMES[name as SettingName];
      const also = legacy === undefined ? '' : ` Where it is not set, ${legacy} is read.`;
      lines.push(`# ${description}${also}`, `#${name}=${fallback ?? ''}`);
    }
  }
  lines.push('', '# --- Pages elsewhere ---');
  for (const [name, description] of Object.entries(PUBLIC_SETTINGS)) lines.push(`# ${description}`, `#${name}=`);
  return `${lines.join('\n')}\n`;
}
