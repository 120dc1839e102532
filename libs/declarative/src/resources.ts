import {
  nameOfResource,
  resourceDocuments,
  resourceTypes,
  violationsOf,
  type ResourceDocument,
  type ResourceType,
} from '#libs/contracts';
import { importAcrTask, isAcrTask, type AcrOptions, type AcrReport } from './acr/import.js';
import { problemAt, type Problem } from './problem.js';
import type { Source } from './read.js';

/** A resource, and where it was read. */
export interface Located<D extends ResourceDocument = ResourceDocument> {
  readonly source: Source;
  readonly document: D;
}

export interface Resources {
  readonly resources: Located[];
  /** What was made of tasks of Azure Container Registry. */
  readonly acr: AcrReport[];
  readonly problems: Problem[];
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isType = (type: unknown): type is ResourceType => resourceTypes.includes(type as ResourceType);

/** `Task app`, for messages. */
const titleOf = (value: Readonly<Record<string, unknown>>): string => {
  const name = value['name'] ?? value['host'];
  return [value['type'], name].filter((part) => typeof part === 'string').join(' ');
};

/** Checks documents against the schema of their type, and finds everything that is wrong with all of them. */
export const checkDocuments = (sources: readonly Source[], options: AcrOptions = {}): Resources => {
  const found: Resources = { resources: [], acr: [], problems: [] };
  const seen = new Map<string, Source>();
  const add = (source: Source, document: ResourceDocument): void => {
    const title = `${document.type} ${nameOfResource(document)}`;
    const first = seen.get(title);
    if (first) {
      const message = `expected a name once; it stands at ${first.file}, document ${first.document} already`;
      found.problems.push(problemAt(source, title, { field: document.type === 'Registry' ? 'host' : 'name', message }));
      return;
    }
    seen.set(title, source);
    found.resources.push({ source, document });
  };
  for (const source of sources) {
    const { value } = source;
    if (isAcrTask(value)) {
      const { document, report } = importAcrTask(value, options);
      found.acr.push(report);
      if (document) add(source, document);
    } else if (!isRecord(value)) {
      const message = `expected a resource with apiVersion and type, found ${Array.isArray(value) ? 'a list in a list' : typeof value}`;
      found.problems.push(problemAt(source, '', { field: '', message }));
    } else if (!isType(value['type'])) {
      const { type, kind } = value;
      const instead = isType(kind) ? `; write type: ${kind}, not kind: ${kind}` : '';
      const is = type === undefined ? `it is missing${instead}` : `${JSON.stringify(type)} is none of them`;
      const message = `expected one of ${resourceTypes.join(', ')}; ${is}`;
      found.problems.push(problemAt(source, titleOf(value), { field: 'type', message }));
    } else {
      const checked = resourceDocuments[value['type']].safeParse(value);
      if (checked.success) add(source, value as unknown as ResourceDocument);
      else {
        const problems = violationsOf(checked.error, 1000);
        found.problems.push(...problems.map((one) => problemAt(source, titleOf(value), one)));
      }
    }
  }
  return found;
};

/** The resources of one type, in their order. */
export const ofType = <T extends ResourceType>(
  resources: readonly Located[],
  type: T,
): Located<Extract<ResourceDocument, { type: T }>>[] =>
  resources.filter((one): one is Located<Extract<ResourceDocument, { type: T }>> => one.document.type === type);

/** The fields of the API: the document without what says what it is. */
export const fieldsOf = <D extends ResourceDocument>({ apiVersion: _version, type: _type, ...fields }: D) => fields;
