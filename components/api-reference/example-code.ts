import type { ExampleRequest } from '#lib/wire/api-reference';

export const EXAMPLE_LANGUAGES = [
  { value: 'curl', label: 'curl' },
  { value: 'javascript', label: 'JavaScript' },
  { value: 'python', label: 'Python' },
] as const;
export type ExampleLanguage = (typeof EXAMPLE_LANGUAGES)[number]['value'];

/** A command or program that sends the request. A key comes from the environment variable `KEY`. */
export function exampleCode(language: ExampleLanguage, request: ExampleRequest): string {
  return WRITERS[language](request);
}

export function isExampleLanguage(text: string): text is ExampleLanguage {
  return Object.hasOwn(WRITERS, text);
}

const WRITERS: Record<ExampleLanguage, (request: ExampleRequest) => string> = {
  curl: curlOf,
  javascript: javascriptOf,
  python: pythonOf,
};

function curlOf({ method, url, headers, body, needsKey, isStream }: ExampleRequest): string {
  const implied = body === undefined ? 'GET' : 'POST';
  return [
    `curl ${isStream ? '-N ' : ''}${method === implied ? '' : `-X ${method} `}${shellWord(url)}`,
    ...(needsKey ? ['-H "Authorization: Bearer $KEY"'] : []),
    ...(body === undefined ? [] : [`-H 'Content-Type: application/json'`]),
    ...Object.entries(headers).map(([name, value]) => `-H ${shellWord(`${name}: ${value}`)}`),
    ...(body === undefined ? [] : [`-d ${shellWord(body)}`]),
  ].join(' \\\n  ');
}

/** For Node.js 20 or newer, as a module. */
function javascriptOf(request: ExampleRequest): string {
  const { method, url, body, isStream } = request;
  const headers = headersOf(request).map(([name, value, isKey]) =>
    isKey ? `    ${name}: \`Bearer \${process.env.KEY}\`,` : `    ${JSON.stringify(name)}: ${JSON.stringify(value)},`,
  );
  const options = [
    ...(method === 'GET' ? [] : [`  method: '${method}',`]),
    ...(headers.length === 0 ? [] : ['  headers: {', ...headers, '  },']),
    ...(body === undefined ? [] : [`  body: JSON.stringify(${body}),`]),
  ];
  const call = options.length === 0 ? [`'${url}'`] : [`'${url}', {\n${options.join('\n')}\n}`];
  return [
    `const response = await fetch(${call});`,
    ...(isStream
      ? [
          'const decoder = new TextDecoder();',
          'for await (const chunk of response.body) process.stdout.write(decoder.decode(chunk, { stream: true }));',
        ]
      : ['console.log(await response.text());']),
  ].join('\n');
}

/** For Python 3 with its standard library alone. */
function pythonOf(request: ExampleRequest): string {
  const { method, url, body, isStream } = request;
  const headers = headersOf(request).map(([name, value, isKey]) =>
    isKey ? `        "${name}": f"Bearer {os.environ['KEY']}",` : `        ${pythonText(name)}: ${pythonText(value)},`,
  );
  const modules = [
    ...(body === undefined ? [] : ['json']),
    ...(request.needsKey ? ['os'] : []),
    'urllib.error',
    'urllib.request',
  ];
  return [
    ...modules.map((name) => `import ${name}`),
    '',
    'request = urllib.request.Request(',
    `    ${pythonText(url)},`,
    ...(method === 'GET' ? [] : [`    method="${method}",`]),
    ...(headers.length === 0 ? [] : ['    headers={', ...headers, '    },']),
    ...(body === undefined ? [] : [`    data=json.dumps(${pythonLiteral(JSON.parse(body))}).encode(),`]),
    ')',
    'try:',
    '    with urllib.request.urlopen(request) as response:',
    ...(isStream
      ? ['        for line in response:', '            print(line.decode(), end="", flush=True)']
      : ['        print(response.read().decode())']),
    'except urllib.error.HTTPError as error:',
    '    raise SystemExit(error.read().decode())',
  ].join('\n');
}

function headersOf({ headers, body, needsKey }: ExampleRequest): [name: string, value: string, isKey: boolean][] {
  return [
    ...(needsKey ? [['Authorization', '', true] satisfies [string, string, boolean]] : []),
    ...(body === undefined ? [] : [['Content-Type', 'application/json', false] satisfies [string, string, boolean]]),
    ...Object.entries(headers).map(([name, value]): [string, string, boolean] => [name, value, false]),
  ];
}

/** The value of a JSON text as a Python expression. */
function pythonLiteral(value: unknown): string {
  if (value === null) return 'None';
  if (value === true) return 'True';
  if (value === false) return 'False';
  if (typeof value === 'string') return pythonText(value);
  if (Array.isArray(value)) return `[${value.map(pythonLiteral).join(', ')}]`;
  if (typeof value === 'object')
    return `{${Object.entries(value)
      .map(([key, inner]) => `${pythonText(key)}: ${pythonLiteral(inner)}`)
      .join(', ')}}`;
  return String(value);
}

/** JSON's escapes are Python's too. */
function pythonText(text: string): string {
  return JSON.stringify(text);
}

function shellWord(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
