import { z } from 'zod';
import { acrHints } from './acr.js';
import { cloudEventOf, consent } from './cloudevents.js';
import { jsonOf, mostEvents, shaped, text, type Hint, type HookDialect } from './dialect.js';
import { authorization } from './proof.js';

/**
 * Azure Event Grid, in its own schema and as CloudEvents (learn.microsoft.com/azure/event-grid/event-schema-container-registry).
 * Before it delivers it asks who owns the address: by a code that has to be sent back
 * (learn.microsoft.com/azure/event-grid/webhook-event-delivery), and for CloudEvents by `OPTIONS`
 * (learn.microsoft.com/azure/event-grid/end-point-validation-cloud-events-schema).
 */
const envelope = z.array(z.object({ id: text.optional(), eventType: text, data: z.unknown() })).max(mostEvents);
const validation = z.object({ validationCode: text });

const pushed = 'Microsoft.ContainerRegistry.ImagePushed';
const asked = 'Microsoft.EventGrid.SubscriptionValidationEvent';

const withId = (hints: Hint[], id: string | undefined): Hint[] => hints.map((hint) => ({ ...hint, id }));

export const eventgrid: HookDialect = {
  proofs: [authorization, { by: 'path' }],
  handshake: ({ headers, body }) => {
    if (headers['aeg-event-type'] !== 'SubscriptionValidation') return undefined;
    const [event] = shaped(envelope, jsonOf(body), 'Event Grid');
    if (event?.eventType !== asked) return undefined;
    const { validationCode } = shaped(validation, event.data, 'Event Grid');
    return {
      status: 200,
      headers: { 'content-type': 'application/json; charset=utf-8' },
      body: JSON.stringify({ validationResponse: validationCode }),
    };
  },
  preflight: consent,
  parse: ({ headers, body }) => {
    const json = jsonOf(body);
    const event = cloudEventOf(headers, json);
    if (event) return event.type === pushed ? withId(acrHints(event.data), event.id) : [];
    return shaped(envelope, json, 'Event Grid').flatMap(({ id, eventType, data }) =>
      eventType === pushed ? withId(acrHints(data), id) : [],
    );
  },
};
