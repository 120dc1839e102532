import { z } from 'zod';
import { cloudEventOf } from './cloudevents.js';
import { jsonOf, mostEvents, shaped, text, type Hint, type HookDialect } from './dialect.js';
import { authorization } from './proof.js';

/**
 * Harbor, in its own format (harbor src/pkg/notifier/model/event.go) and as CloudEvents (formats/cloudevents.go). An
 * artifact without a tag has its digest where the tag belongs. Its "auth header" is sent as `Authorization`.
 */
const pushed = z.object({
  resources: z.array(z.object({ tag: text.optional(), digest: text.optional() })).max(mostEvents),
  repository: z.object({ repo_full_name: text }),
});
const own = z.object({ type: text, event_data: z.unknown() });

const hints = (value: unknown, id?: string): Hint[] => {
  const { resources, repository } = shaped(pushed, value, 'Harbor');
  return resources.flatMap(({ tag, digest }) =>
    tag ? [{ repository: repository.repo_full_name, tag, digest, id }] : [],
  );
};

export const harbor: HookDialect = {
  proofs: [authorization],
  parse: (request) => {
    const json = jsonOf(request.body);
    const event = cloudEventOf(request.headers, json);
    if (event) return event.type === 'harbor.artifact.pushed' ? hints(event.data, event.id) : [];
    const { type, event_data } = shaped(own, json, 'Harbor');
    return type === 'PUSH_ARTIFACT' || type === 'pushImage' ? hints(event_data) : [];
  },
};
