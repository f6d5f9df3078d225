/**
 * Lucide's icons take sizes, colours and styles from a context, turn names into several spellings
 * and describe themselves for other libraries. Our icons have a class and a width of stroke: this
 * is two kilobytes of the first view less, compressed.
 */
const CREATE = `
import { createElement } from 'react';

export default function createLucideIcon({ name, node }) {
  const Icon = ({ className = '', strokeWidth = 2, ...props }) =>
    createElement(
      'svg',
      {
        xmlns: 'http://www.w3.org/2000/svg',
        width: 24,
        height: 24,
        viewBox: '0 0 24 24',
        fill: 'none',
        stroke: 'currentColor',
        strokeWidth,
        strokeLinecap: 'round',
        strokeLinejoin: 'round',
        className: \`lucide lucide-\${name} \${className}\`.trim(),
        'aria-hidden': true,
        ...props,
      },
      ...node.map(([tag, attributes]) => createElement(tag, attributes)),
    );
  Icon.displayName = name;
  return Icon;
}
`;

/** Where lucide makes a component of an icon: other versions may call it otherwise. */
const SIGNATURE = 'function createLucideIcon(iconDataOrName, iconNode = [], aliases = [])';

/** In the data of an icon: keys for React, which the component does not need, and former names. */
const UNUSED = /,\s*key: "\w+"|,\s*aliases: \[[^\]]*\]/g;

/**
 * A loader for Turbopack: the source of an icon, or of what makes its component, in, the changed
 * source out. Fails where another version of lucide reads otherwise.
 */
module.exports = function withPlainIcons(source) {
  if (source.includes(SIGNATURE)) return CREATE;
  if (!source.includes('const __iconData = {')) throw new Error(`lucide-react no longer has: ${SIGNATURE}`);
  return source.replace(UNUSED, '');
};
