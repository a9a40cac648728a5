/** A fenced block of code. */
export interface CodeBlock {
  /** What stands behind the opening fence: `ts`, `ts fragment`. */
  readonly info: string;
  readonly code: string;
  /** Of its first line of code, from 1. */
  readonly line: number;
}

export interface Table {
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** The heading above it, without its marks. */
  readonly heading: string;
}

export interface Section {
  readonly level: number;
  readonly title: string;
  /** Up to the next heading of the same level or a higher one. */
  readonly body: string;
}

export function codeBlocks(text: string): readonly CodeBlock[] {
  const blocks: CodeBlock[] = [];
  let open:
    { readonly fence: string; readonly info: string; readonly line: number; readonly lines: string[] } | undefined;
  for (const [index, line] of text.split('\n').entries()) {
    const [, fence, info = ''] = /^\s*(```+)(.*)$/.exec(line) ?? [];
    if (open === undefined && fence !== undefined) open = { fence, info: info.trim(), line: index + 2, lines: [] };
    else if (open !== undefined && fence === open.fence && info === '') {
      blocks.push({ info: open.info, code: open.lines.join('\n'), line: open.line });
      open = undefined;
    } else open?.lines.push(line);
  }
  return blocks;
}

/** The text with the lines of its code blocks emptied, so that line numbers stay. */
export function withoutCode(text: string): string {
  let fence: string | undefined;
  return text
    .split('\n')
    .map((line) => {
      const [, mark] = /^\s*(```+)/.exec(line) ?? [];
      if (fence === undefined && mark === undefined) return line;
      if (fence === undefined) fence = mark;
      else if (mark === fence) fence = undefined;
      return '';
    })
    .join('\n');
}

export function tables(text: string): readonly Table[] {
  const found: Table[] = [];
  let heading = '';
  let current: { readonly header: readonly string[]; readonly rows: (readonly string[])[] } | undefined;
  for (const line of withoutCode(text).split('\n')) {
    heading = /^#+ (.*)$/.exec(line)?.[1] ?? heading;
    if (!line.startsWith('|')) current = undefined;
    else if (current === undefined) {
      current = { header: cells(line), rows: [] };
      found.push({ ...current, heading });
    } else if (!/^[|:\s-]+$/.test(line)) current.rows.push(cells(line));
  }
  return found;
}

function cells(line: string): readonly string[] {
  return line
    .replace(/^\|/, '')
    .replace(/\|\s*$/, '')
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replaceAll('\\|', '|'));
}

export function sections(text: string): readonly Section[] {
  const lines = withoutCode(text).split('\n');
  return lines.flatMap((line, index) => {
    const [, marks, title] = /^(#+) (.*)$/.exec(line) ?? [];
    if (marks === undefined || title === undefined) return [];
    const rest = lines.slice(index + 1);
    const end = rest.findIndex((other) => (/^(#+) /.exec(other)?.[1]?.length ?? Infinity) <= marks.length);
    return [{ level: marks.length, title, body: rest.slice(0, end === -1 ? undefined : end).join('\n') }];
  });
}

/** The texts between backticks. */
export function codeSpans(text: string): readonly string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, span = '']) => span);
}

/** The targets of links and images. */
export function links(text: string): readonly string[] {
  const prose = withoutCode(text).replace(/`[^`\n]*`/g, '');
  return [...prose.matchAll(/\]\(([^()\s]+)\)/g)].map(([, target = '']) => target);
}

/** The anchors that GitHub makes of the headings. */
export function anchors(text: string): ReadonlySet<string> {
  const counts = new Map<string, number>();
  return new Set(
    sections(text).map(({ title }) => {
      const slug = title
        .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .replaceAll(' ', '-');
      const count = counts.get(slug) ?? 0;
      counts.set(slug, count + 1);
      return count === 0 ? slug : `${slug}-${count}`;
    }),
  );
}
