import { renderToStaticMarkup } from 'react-dom/server';
import { describe, expect, it } from 'vitest';
import { RichMarkdown } from '#components/markdown/rich-markdown';

function html(text: string, streaming = false): string {
  return renderToStaticMarkup(<RichMarkdown text={text} streaming={streaming} />).replace(
    /^<div class="prose">(.*)<\/div>$/s,
    '$1',
  );
}

/** The visible text, without the toolbars of code blocks. */
function words(text: string, streaming = false): string {
  return html(text, streaming)
    .replaceAll(/<div class="flex h-9.*?<\/div>(?=<pre)/g, '')
    .replaceAll(/<[^>]+>/g, '')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#x27;', "'")
    .replaceAll('&amp;', '&');
}

describe('text that looks like a tag', () => {
  const tags = [
    '<repository-url>',
    '<int>',
    '<T>',
    '<your-api-key>',
    '<head>',
    '<script>',
    '<table>',
    '<b>',
    '</p>',
    '<img src=x>',
    '<!-- note -->',
    '<?php ?>',
    '<input type="text">',
  ];
  const places: [string, (tag: string) => string][] = [
    ['prose', (tag) => `Write a${tag} and **more**.\n\nNext.`],
    ['the beginning of a line', (tag) => `${tag} is **more**.\n\nNext.`],
    ['a list', (tag) => `- ${tag} is **more**\n- next`],
    ['a table', (tag) => `| a | b |\n| - | - |\n| ${tag} | **more** |`],
    ['a heading', (tag) => `# The ${tag} **more**`],
    ['a quote', (tag) => `> ${tag} is **more**`],
    ['emphasis', (tag) => `*a ${tag} b* **more**`],
    ['a link', (tag) => `[a ${tag}](https://example.org) **more**`],
  ];
  it.each(places)('stays text in %s, and the rest keeps its markup', (_, place) => {
    for (const tag of tags) {
      // A lone closing tag and a comment contain Markdown like HTML blocks.
      const isBlock = /^<[!?/]/.test(tag) && place(tag).startsWith(tag);
      expect(words(place(tag)), tag).toContain(tag);
      if (!isBlock) expect(html(place(tag)), tag).toContain('<strong>more</strong>');
    }
  });

  it('stays text on separate lines, with its indentation', () => {
    const page = '<html>\n  <head>\n    <title>x</title>\n  </head>\n</html>';
    expect(words(page)).toBe(page);
    expect(words(`<your-api-key>\n**b**`)).toBe('<your-api-key>\nb');
  });

  it('does not swallow the rest at the start of a line', () => {
    const after = 'H<sub>2</sub>O **b**\n\n<details><summary>More</summary>\n\n*in*\n\n</details>\n\n- item';
    for (const tag of ['<script>', '<style>', '<textarea>', '<pre>', '<!--', '<?php', '<title>', '<iframe src="x">'])
      expect(html(`${tag} is a **tag**.\n\n${after}`), tag).toMatch(
        /<strong>tag<\/strong>.*<sub>2<\/sub>O <strong>b<\/strong>.*<summary>More<\/summary><p><em>in<\/em><\/p><\/details>.*<li>item<\/li>/s,
      );
  });

  it.each([
    'Put it between <b> and </b>.',
    'The <wbr> element.',
    'The <br> tag breaks a line.',
    'Use <br> to break a line.',
    'It is written <br>.',
    '<br> breaks a line.',
    'An empty <span></span> does nothing.',
    'An empty <u></u> does nothing.',
    'The tags <sub>, <sup> and </sub>.',
    'Write <sub> or </sub>.',
    'Write <sub>2</sub> to lower a number.',
    'Replace <i>text</i> by <em>text</em>.',
    'Replace <b>text</b> by <strong>text</strong>.',
    'Write <u>text</u> or another tag.',
    'Use the tag H<sub>2</sub>O.',
    'Link with <a href="https://example.org">words</a>.',
    'Write <a></a>.',
    '<kbd> stands for a key, </kbd> ends it.',
    '<u>one\ntwo</u> more',
    '<bdi>, <var>x</var>, <q>y</q>, <small>z</small>',
    '<p>text</p> makes a paragraph.',
    '<h1>Title</h1> makes a heading, <li>item</li> an item.',
    '<details> and </details> enclose it.',
    '<hr> draws a line.',
    '<div></div>',
    '用 <u>文字</u> 标签。',
  ])('stays text in a sentence: %s', (text) => {
    expect(words(text)).toBe(text);
    expect(words(`- ${text.replaceAll('\n', '\n  ')}`).trim()).toBe(text);
  });

  it.each(['<br>', 'The <br> tag', '<sub>2</sub>', '<b>x</b>'])('stays text in a table cell: %s', (text) => {
    expect(words(`| a |\n| - |\n| ${text} |`)).toContain(text);
  });
});

describe('HTML of formatting elements', () => {
  it.each([
    ['H<sub>2</sub>O', '<p>H<sub>2</sub>O</p>'],
    [
      'x<sub>i</sub><sup>2</sup> and x<sup>*n* + 1</sup>',
      '<p>x<sub>i</sub><sup>2</sup> and x<sup><em>n</em> + 1</sup></p>',
    ],
    ['**E = mc<sup>2</sup>**', '<p><strong>E = mc<sup>2</sup></strong></p>'],
    ['<kbd>Ctrl</kbd>+<KBD>C</KBD>, <u>under</u>', '<p><kbd>Ctrl</kbd>+<kbd>C</kbd>, <u>under</u></p>'],
    ['Street 5<br>\nTown<br/>\n**Land**', '<p>Street 5<br/>\n\nTown<br/>\n\n<strong>Land</strong></p>'],
    [
      '| a |\n| - |\n| one<br>two <br/> `x` |',
      '<table><thead><tr><th>a</th></tr></thead><tbody><tr><td>one<br/>\ntwo <br/>\n<code dir="ltr">x</code></td></tr></tbody></table>',
    ],
    ['<ul><li>one<br>two</li></ul>', '<ul><li>one<br/>\ntwo</li></ul>'],
    [
      '<details><summary><b>More</b></summary>\n\nH<sub>2</sub>O\n\n</details>',
      '<details><summary><b>More</b></summary><p>H<sub>2</sub>O</p></details>',
    ],
    [
      '<details open><summary>More</summary>\n\n**Inside**\n\n</details>',
      '<details open=""><summary>More</summary><p><strong>Inside</strong></p></details>',
    ],
    [
      '<div align="center" onclick="x()" style="position:fixed" id="a" class="b">\n\ntext\n\n</div>',
      '<div align="center"><p>text</p></div>',
    ],
    ['<u id="skip" name="x" style="color:red">line</u>', '<p><u>line</u></p>'],
    ['<a name="top"></a>Top', '<p><span></span>Top</p>'],
    ['See it. <a id="top"></a> Top', '<p>See it. <span></span> Top</p>'],
    ['<div><a href="javascript:alert(1)">x</a></div>', '<div><span>x</span></div>'],
    [
      '<table><tr><td colspan="2" onclick="x">a &amp; b</td></tr></table>',
      '<table><tr><td colSpan="2">a &amp; b</td></tr></table>',
    ],
  ])('stays markup, without unsafe attributes: %j', (text, expected) => {
    expect(html(text).replaceAll(/<div class="table-frame"[^>]*>(.*?)<\/div>/gs, '$1')).toBe(expected);
  });

  it('keeps the lines of a <pre> as a code block', () => {
    expect(words('<pre>\nline 1\n  line &lt;2&gt;\n</pre>')).toBe('line 1\n  line <2>');
    expect(words('<pre><code class="language-js">\nf()\n\ng()</code></pre>')).toBe('f()\n\ng()');
  });
});

describe('a code block', () => {
  it('keeps leading blank lines, which are copied and run', () => {
    expect(words('```python\n\n\nprint(1)\n\n```')).toBe('\n\nprint(1)\n');
  });

  it('contains Markdown with nested code', () => {
    const inner = '# T\n```python\nprint(1)\n```\nmore';
    const text = `\`\`\`markdown\n${inner}\n\`\`\`\n\nafter`;
    expect(words(text)).toBe(`${inner}after`);
    // While the text grows, the content stays within the block.
    for (let length = text.indexOf('more') + 4; length < text.length - 10; length += 1)
      expect(html(text.slice(0, length), true).match(/<pre/g), `${length}`).toHaveLength(1);
  });

  it('ends by CommonMark if a nested block has no other end', () => {
    expect(words('```md\n```js\n```\nafter')).toContain('after');
    expect(html('```md\n```js\n```\nafter')).toContain('<p>after</p>');
  });
});

describe('a link with a forbidden or relative address', () => {
  it.each([
    'docs/guide.md',
    '/a',
    '',
    '#section',
    'vscode://file/a',
    'javascript:alert(1)',
    'data:text/html,x',
    'file:///etc/passwd',
    '//evil.example/x',
    'tel:1',
    'blob:x',
  ])('shows its text only: %j', (address) => {
    expect(html(`See [the guide](${address}).`)).toBe('<p>See <span>the guide</span>.</p>');
  });

  it.each(['MAILTO:a@b.c', 'HTTPS://example.org/', 'http://example.org'])(
    'and one that does is a link: %s',
    (address) => {
      expect(html(`[x](${address})`)).toContain(`href="${address}"`);
    },
  );
});

describe('a tilde', () => {
  it.each(['0.4~6mm or 2~3mm', '4~6人，每人50~80元', '~x~'])('strikes nothing when it is single: %s', (text) => {
    expect(html(text)).toBe(`<p>${text}</p>`);
  });
  it('strikes text when it is doubled', () =>
    expect(html('~~a~~ **~~「b」~~**c')).toBe('<p><del>a</del> <strong><del>「b」</del></strong>c</p>'));
});

describe('emphasis and URLs in Chinese and Japanese', () => {
  it.each([
    ['**「重点」**内容', '「重点」'],
    ['内容**「重点」**', '「重点」'],
    ['**注意：**10', '注意：'],
    ['**注意。**下一步', '注意。'],
    ['这是**（重要）**的', '（重要）'],
    ['これは**「強調」**です', '「強調」'],
    ['**テスト。**テスト', 'テスト。'],
    ['**“引用”**内容', '“引用”'],
    ['**《书名》**讲述', '《书名》'],
    ['第一，**步骤一：**打开', '步骤一：'],
    ['한국어**(강조)**입니다', '(강조)'],
    ['**100%**的人', '100%'],
    ['结果是**`code`**的', '<code dir="ltr">code</code>'],
    ['他说**"你好"**然后', '&quot;你好&quot;'],
    ['**Note：**see', 'Note：'],
    ['**价格：$5**起', '价格：$5'],
  ])('renders emphasis in %s', (text, inside) => expect(html(text)).toContain(`<strong>${inside}</strong>`));

  it.each([
    ['见https://example.com/a。然后', 'https://example.com/a', '。然后'],
    ['https://example.com/路径 查看', 'https://example.com/', '路径 查看'],
    ['（https://example.com/x）后', 'https://example.com/x', '）后'],
    ['打开https://example.com，**重点**。', 'https://example.com', '，<strong>重点</strong>。'],
    ['**见 https://example.com/，重点**。', 'https://example.com/', '，重点</strong>。'],
    ['“https://example.com/a”的', 'https://example.com/a', '”的'],
    ['https://example.comを参照', 'https://example.com', 'を参照'],
    ['：www.example.com/x。后', 'www.example.com/x', '。后'],
  ])('ends a URL where the text continues: %s', (text, address, rest) => {
    expect(html(text)).toContain(`>${address}</a>${rest}`);
  });
});

describe('footnotes', () => {
  it('have distinct ids in two responses', () => {
    const text = 'A[^1] and again[^1]\n\n[^1]: note';
    const both = renderToStaticMarkup(
      <>
        <RichMarkdown text={text} streaming={false} />
        <RichMarkdown text={text} streaming={false} />
      </>,
    );
    const ids = [...both.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
    expect(ids).toHaveLength(8);
    expect(new Set(ids).size).toBe(8);
    const targets = [...both.matchAll(/ href="#([^"]+)"/g)].map(([, id]) => id);
    expect(targets).toHaveLength(8);
    for (const id of targets) expect(ids).toContain(id);
  });
});

describe('a text that is nested too deeply', () => {
  it.each([
    ['lists', `${'- '.repeat(1_000)}a`],
    ['quotes', `${'>'.repeat(400)} a`],
    ['elements', `${'<div>'.repeat(400)}x${'</div>'.repeat(400)}`],
  ])('is shown as source: %s', (_, text) => {
    expect(words(text)).toBe(text);
    expect(words(text, true)).toBe(text);
  });
});

describe('a growing response', () => {
  it.each([
    ['The interval [0, 1) is half open. See [docs](https://e.org/a', 'The interval [0, 1) is half open. See docs'],
    [
      'The interval [0, 1) is half open. See [docs](https://e.org/a) for more',
      'The interval [0, 1) is half open. See docs for more',
    ],
    ['The interval [0, 1', 'The interval [0, 1'],
    ['2 ** 8 is 256', '2 ** 8 is 256'],
    ['2 * 3 and 4_5 and **bold', '2 * 3 and 4_5 and bold'],
    ['**bold**', 'bold'],
    ['**bold*', 'bold'],
    ['a **', 'a'],
    ['*a **b', 'a b'],
    ['`code', 'code'],
    ['**a `b', 'a b'],
    ['~~a', 'a'],
    ['**see [docs](https://e', 'see docs'],
    ['```c\nint *', 'int *'],
    ['```c\nint x;\n``', 'int x;'],
    ['Title\n-', 'Title'],
    ['- a\n- **b', '\na\nb\n'],
    ['| a | b |\n| - | - |\n| **c', 'abc'],
    ['H<su', 'H'],
    ['a < b', 'a < b'],
    ['<details><summary>More</summary>\n\nIns', 'MoreIns'],
    ['<details><summary>Mo', 'Mo'],
    ['snake_case_na', 'snake_case_na'],
    ['a \\*b', 'a *b'],
  ])('shows %j as %j', (text, shown) => expect(words(text, true)).toBe(shown));

  it('renders unfinished emphasis', () => {
    expect(html('**bold', true)).toBe('<p><strong>bold</strong></p>');
    expect(html('2 ** 8 and *this', true)).toBe('<p>2 ** 8 and <em>this</em></p>');
  });
});
