/**
 * Texts as models write them, with all that a renderer could render otherwise while they grow than
 * when they are whole.
 */
export const CORPUS: Readonly<Record<string, string>> = {
  'headings, both kinds': '# One\n\nText\nof two lines\n===\n\nSecond\n---\n\n### Three ###\n\n---\n\n***\n',
  emphasis: 'A **bold** and *slanted*, ***both***, ~~gone~~, `code`, **open\n\nsnake_case_name and 2 * 3 * 4, a*b*c.\n',
  'nested lists':
    '1. One\n   - a\n   - b\n     1. deep\n\n        a paragraph of it\n\n     2. deeper\n2. Two\n\n   ```js\n   f(1)\n   ```\n\n3. Three\n- [ ] open\n- [x] done\n',
  'a loose list': '- a\n\n- b\n\n  second paragraph\n\n- c\n',
  tables: '| Left | Right |\n| :--- | ---: |\n| a `b\\|c` | **1** |\n| \\| | $x$ |\n\nNot | a table\n',
  'reference links':
    'See [the guide][g], [Other] and [none][].\n\n> quoted [g]\n\n[g]: https://example.org/guide "The guide"\n[other]: <https://example.org/o>\n',
  footnotes: 'A claim.[^1] Another.[^b]\n\n[^1]: Its source.\n[^b]: Of two\n    lines.\n',
  'autolinks and breaks':
    'https://example.org/a_b_c?x=1&y=2 and <mail@example.org>  \nafter a hard break\\\nand another.\n',
  quotes: '> one\n> > two\n> - item\n>\n> ```py\n> print(1)\n> ```\nlazy\n\nafter\n',
  fences:
    '````md\n```js\nlet a = `$1`;\n```\n````\n\n~~~\nno language\n~~~\n\n    indented code\n\n```python\ndef f():\n\n\n    return "```"\n```\n',
  'a fence that stays open': 'Look:\n\n```rust\nfn main() {\n    println!("hi");\n',
  maths:
    'Inline $a_1 * b_1$ and \\(c^*\\), display:\n\n$$\n\\begin{aligned}\na &= b \\\\\nc &= d\n\\end{aligned}\n$$\n\n\\[ \\sum_{i=1}^n i \\]\n\nand $$x$$ here.\n',
  money: 'It costs $5, then $10 (or $1.50): replace(/(a)/, "$1$2") and `$1`.\n',
  'a broken formula': 'So $$\\frac{1}{$$ ends.\n',
  html: 'A <b>text</b>.\n\n<u>Under</u> <kbd>Ctrl</kbd><br>\nline, H<sub>2</sub>O.\n\n<details><summary>More</summary>\n\n**Inside**\n\n</details>\n\n<div align="center">\n\ntext\n\n</div>\n\na < b && c > d, List<String>\n',
  'html that is not closed': 'Before <span>open\n\nnext <div\n\nlast\n',
  entities: '&copy; &amp; &lt;b&gt; &#x1F600; \\* \\_ \\` \\<b>\n',
  'right to left': 'שלום **עולם**\n\n- مرحبا\n- العالم `code`\n\n世界 and 🌍👩‍👩‍👧\n',
  'long and unbroken': `${'x'.repeat(600)}\n\n\`${'y'.repeat(400)}\`\n`,
  diagrams: 'Here:\n\n```mermaid\nflowchart LR\n  A --> B\n```\n\nand after.\n',
  images: '![a cat](https://example.org/cat.png "t") and ![](data:image/png;base64,AAAA)\n',
  'line endings': 'one\r\ntwo\r\n\r\n- a\r\n- b\r\n\r\n```js\r\nf()\r\n```\r\n',
};

/**
 * What a model could write to run something, to load something, or to reach the page around it.
 */
export const ATTACKS: readonly string[] = [
  '<script>window.pwned = 1</script>',
  '<img src=x onerror="window.pwned = 1">',
  '<img src="http://127.0.0.1:9/beacon.png">',
  '![x](http://127.0.0.1:9/beacon.png)',
  '[![x](http://127.0.0.1:9/beacon.png)](http://127.0.0.1:9/)',
  '<svg onload="window.pwned = 1"><use href="http://127.0.0.1:9/x.svg#a"/></svg>',
  '<svg><script>window.pwned = 1</script></svg>',
  '<iframe src="http://127.0.0.1:9/"></iframe><iframe srcdoc="<script>parent.pwned = 1</script>"></iframe>',
  '<object data="http://127.0.0.1:9/"></object><embed src="http://127.0.0.1:9/">',
  '<link rel="stylesheet" href="http://127.0.0.1:9/x.css"><style>@import "http://127.0.0.1:9/y.css"; body { display: none }</style>',
  '<p style="background: url(http://127.0.0.1:9/bg.png); position: fixed; inset: 0; z-index: 999">over</p>',
  '<video src="http://127.0.0.1:9/v.mp4" autoplay poster="http://127.0.0.1:9/p.png"></video><audio src="http://127.0.0.1:9/a.mp3"></audio>',
  '<meta http-equiv="refresh" content="0;url=http://127.0.0.1:9/"><base href="http://127.0.0.1:9/">',
  '<form action="http://127.0.0.1:9/"><input name="q"><button autofocus onfocus="window.pwned = 1">Go</button></form>',
  '<details open ontoggle="window.pwned = 1"><summary>x</summary></details>',
  '<a href="javascript:window.pwned=1">click</a> [click](javascript:window.pwned=1) [click](JaVaScRiPt&colon;window.pwned=1)',
  '[click](data:text/html,<script>window.pwned=1</script>) <javascript:window.pwned=1> [v](vbscript:x)',
  '<math><mtext><table><mglyph><style><img src=x onerror="window.pwned = 1">',
  '<noscript><p title="</noscript><img src=x onerror=window.pwned=1>"></noscript>',
  '<div id="skip-link" class="fixed inset-0 bg-canvas z-50">a page of its own</div>',
  '$$\\href{javascript:window.pwned=1}{click} \\includegraphics{http://127.0.0.1:9/x.png} \\htmlData{x=1}{y} \\url{javascript:window.pwned=1}$$',
  '```html\n<script>window.pwned = 1</script>\n```',
  '```mermaid\nflowchart LR\n  A["<img src=x onerror=parent.pwned=1>"] --> B\n  click A href "javascript:window.pwned=1"\n  click B call alert(1)\n```',
  '```mermaid\n%%{init: {"securityLevel": "loose", "htmlLabels": true, "themeCSS": "@import url(http://127.0.0.1:9/z.css); * { background: url(http://127.0.0.1:9/b.png) }"}}%%\nflowchart LR\n  A["<img src=\'http://127.0.0.1:9/i.png\'>"] --> B\n```',
  '```"onmouseover="window.pwned=1\ncode\n```',
  '<input type="checkbox" onclick="window.pwned = 1" checked>',
  '<!-- --!><img src=x onerror="window.pwned = 1"> -->',
  '<template><img src=x onerror="window.pwned = 1"></template><x-y onclick="window.pwned=1">z</x-y>',
];
