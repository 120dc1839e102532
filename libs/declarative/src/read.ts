import { isCollection, isNode, LineCounter, parseAllDocuments, type Document } from 'yaml';
import type { Problem } from './problem.js';

/** One document of a file: a value, and where in the file its fields stand. */
export interface Source {
  readonly file: string;
  /** From 1. */
  readonly document: number;
  readonly value: unknown;
  /** Line of a field such as `step.imageNames[0]`, or of what it stands in; null where lines are not known (JSON). */
  readonly lineOf: (field: string) => number | null;
}

export interface Read {
  readonly sources: Source[];
  readonly problems: Problem[];
}

/** How often one alias may stand for how much: a file of a few lines must not become a gigabyte. */
const maxAliasCount = 100;

/** Reads the documents of a file: YAML or JSON, several documents in a file, lists of them too. Empty ones are none. */
export const readDocuments = (text: string, file: string): Read => {
  const read = /^\s*[[{]/.test(text) ? (readJson(text, file) ?? readYaml(text, file)) : readYaml(text, file);
  const sources = read.sources
    .flatMap((source) => (Array.isArray(source.value) ? elementsOf(source, source.value) : [source]))
    .filter(({ value }) => value !== null && value !== undefined)
    .map((source, index) => ({ ...source, document: index + 1 }));
  return { sources, problems: read.problems };
};

const elementsOf = (source: Source, list: readonly unknown[]): Source[] =>
  list.map((value, index) => ({ ...source, value, lineOf: (field) => source.lineOf(`[${index}].${field}`) }));

/** Undefined for what is not JSON; YAML has a better word for what is wrong with it. */
const readJson = (text: string, file: string): Read | undefined => {
  try {
    return { sources: [{ file, document: 1, value: JSON.parse(text) as unknown, lineOf: () => null }], problems: [] };
  } catch {
    return undefined;
  }
};

const readYaml = (text: string, file: string): Read => {
  const lines = new LineCounter();
  const problems: Problem[] = [];
  const problem = (document: number, line: number | null, message: string): void => {
    problems.push({ file, document, line, resource: '', field: '', message });
  };
  const documents = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false });
  const parsed: Document[] = Array.isArray(documents) ? documents : [];
  const sources = parsed.flatMap((document, index): Source[] => {
    for (const error of document.errors) {
      problem(index + 1, lines.linePos(error.pos[0]).line, `is not YAML: ${error.message}`);
    }
    if (document.errors.length > 0) return [];
    try {
      const value = document.toJS({ maxAliasCount }) as unknown;
      const lineOf = (field: string) => lineIn(document, field, lines);
      return [{ file, document: index + 1, value, lineOf }];
    } catch (error) {
      problem(index + 1, null, `cannot be read: ${(error as Error).message}`);
      return [];
    }
  });
  return { sources, problems };
};

/** `step.imageNames[0]` → `['step', 'imageNames', 0]` */
const stepsOf = (field: string): (string | number)[] =>
  [...field.matchAll(/\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]|([^.[\]]+)/g)].map(([, index, quoted, name]) =>
    index !== undefined ? Number(index) : (quoted ?? name ?? ''),
  );

/** The nearest thing around the field that is there: a field that is missing has no line of its own. */
const lineIn = (document: Document, field: string, lines: LineCounter): number | null => {
  let node: unknown = document.contents;
  let offset = isNode(node) ? node.range?.[0] : undefined;
  for (const step of stepsOf(field)) {
    if (!isCollection(node)) break;
    const pair = node.items.find((item) => (item as { key?: { value?: unknown } }).key?.value === step) as
      { key: { range?: [number, number, number] } } | undefined;
    const next = node.get(step, true);
    if (!isNode(next)) break;
    offset = pair?.key.range?.[0] ?? next.range?.[0] ?? offset;
    node = next;
  }
  return offset === undefined ? null : lines.linePos(offset).line;
};
