import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { SseParser } from '#libs/client';

interface Described {
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { schema?: object; 'x-item-schema'?: object }>> }>
  >;
}
export interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Described>>>>;
  readonly components: object;
}

/** `/v1/tasks/{name}` → an expression that a path of a request matches. */
const patternOf = (path: string): RegExp =>
  new RegExp(`^${path.replaceAll(/[.*+?^$()|[\]\\]/g, String.raw`\$&`).replaceAll(/\{[^}]+\}/g, '[^/]+')}$`);

/** An answer that is not as `/openapi.json` says; the test that got it fails. */
export class NotAsDescribed extends Error {
  readonly code = 'NOT_AS_DESCRIBED';
}

/**
 * `fetch` that holds every answer against the API description which the service itself serves: status, type and
 * schema, and each item of a stream.
 */
export class ValidatingFetch {
  /** Operations that were answered, with how often. */
  readonly seen = new Map<string, number>();
  readonly #ajv = new Ajv2020({ strict: false, allErrors: true });
  readonly #routes: { readonly method: string; readonly pattern: RegExp; readonly path: string }[];
  readonly #compiled = new Map<object, ValidateFunction>();

  constructor(private readonly document: Document) {
    (addFormats as unknown as (ajv: Ajv2020) => void)(this.#ajv);
    this.#ajv.addSchema({ $id: 'plinth', components: document.components });
    this.#routes = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => ({ method, pattern: patternOf(path), path })),
    );
  }

  readonly fetch: typeof fetch = async (input, init) => {
    const response = await fetch(input, init);
    const url = new URL(input instanceof Request ? input.url : input);
    const method = (init?.method ?? 'GET').toLowerCase();
    const route = this.#routes.find((one) => one.method === method && one.pattern.test(url.pathname));
    const name = `${method.toUpperCase()} ${route?.path ?? url.pathname}`;
    if (!route) {
      if (response.status === 404 || response.status === 405) return response;
      throw new NotAsDescribed(`${name} answered ${response.status}, and the document does not know it.`);
    }
    this.seen.set(name, (this.seen.get(name) ?? 0) + 1);
    const described = this.document.paths[route.path]?.[method]?.responses[String(response.status)];
    if (!described) throw new NotAsDescribed(`${name} answered ${response.status}: ${await response.text()}`);
    if (!described.content) return response;
    const type = response.headers.get('content-type')?.split(';')[0]?.trim() ?? '';
    const content = described.content[type];
    if (!content) throw new NotAsDescribed(`${name} answered ${response.status} as ${type}.`);
    const item = content['x-item-schema'];
    if (item) return this.#stream(response, name, item);
    if (content.schema) this.#check(content.schema, (await response.clone().json()) as unknown, name);
    return response;
  };

  #check(schema: object, value: unknown, what: string): void {
    let validate = this.#compiled.get(schema);
    if (!validate) {
      // References in the document begin at its root, which is known here by a name.
      const text = JSON.stringify(schema).replaceAll('"#/components/', '"plinth#/components/');
      this.#compiled.set(schema, (validate = this.#ajv.compile(JSON.parse(text) as object)));
    }
    if (validate(value)) return;
    const problems = this.#ajv.errorsText(validate.errors, { separator: '\n' });
    throw new NotAsDescribed(`${what} is not as /openapi.json says:\n${problems}\n${JSON.stringify(value, null, 2)}`);
  }

  #stream(response: Response, name: string, schema: object): Response {
    const parser = new SseParser();
    const decoder = new TextDecoder();
    const checked = response.body?.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        transform: (chunk, controller) => {
          for (const { event, data } of parser.push(decoder.decode(chunk, { stream: true }))) {
            if (event !== 'end' && event !== 'problem') this.#check(schema, JSON.parse(data), `An item of ${name}`);
          }
          controller.enqueue(chunk);
        },
      }),
    );
    return new Response(checked ?? null, { status: response.status, headers: response.headers });
  }
}
