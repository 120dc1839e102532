import { exitCodes } from '#libs/contracts/light';
import { CliError, usageError } from '../errors.js';
import type { Call, RegistryApi } from './api.js';
import { signAws } from './aws.js';
import { sendsTo, type Connector, type Made } from './connector.js';

/**
 * Amazon ECR: an EventBridge rule whose target is an API destination (docs.aws.amazon.com/eventbridge, API reference).
 * All four parts have one name. A test cannot be sent: nobody but Amazon may send events of `aws.ecr`.
 */
const form = /^(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?$/;
const targetId = 'plinth';
const missing = 'ResourceNotFoundException';

const placeOf = (host: string): { account: string; region: string } => {
  const [, account, region] = form.exec(host) ?? [];
  if (account !== undefined && region !== undefined) return { account, region };
  throw usageError(`${host} is no registry of Amazon ECR.`, 'it is called ACCOUNT.dkr.ecr.REGION.amazonaws.com');
};

const ask = (api: RegistryApi, action: string, body: object, more: Call = {}): Promise<unknown> =>
  api.call('POST', '/', {
    ...more,
    body,
    headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': `AWSEvents.${action}` },
  });

/** A part by its name, when it is there. */
const describe = (api: RegistryApi, part: 'Connection' | 'ApiDestination', name: string) =>
  ask(api, `Describe${part}`, { Name: name }, { reads: true, absent: [missing] }) as Promise<
    Record<string, string> | undefined
  >;

/** Makes or changes a part; answers its ARN. */
const put = async (
  api: RegistryApi,
  part: 'Connection' | 'ApiDestination',
  name: string,
  settings: object,
): Promise<string> => {
  const verb = (await describe(api, part, name)) ? 'Update' : 'Create';
  const field = `${part}Arn`;
  const answer = await ask(api, `${verb}${part}`, { Name: name, ...settings }, { instead: { [field]: `(${field})` } });
  const arn = (answer as Record<string, string> | undefined)?.[field];
  if (arn === undefined) throw new CliError(`EventBridge answered ${verb}${part} without ${field}.`);
  return arn;
};

export const ecr: Connector = {
  proof: 'secret',
  api: (host) => {
    const { region } = placeOf(host);
    return `https://events.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`;
  },
  places: (_named, host) => [placeOf(host).account],
  login: 'ACCESS-KEY-ID:SECRET-ACCESS-KEY, with :SESSION-TOKEN where there is one, of who may write EventBridge rules',
  signer: (login, host) => signAws(login, { region: placeOf(host).region, service: 'events' }),
  identity: 'the ARN of a role with events:InvokeApiDestination, which EventBridge may assume',

  list: async (api, place, target): Promise<Made[]> => {
    const url = (await describe(api, 'ApiDestination', target.name))?.['InvocationEndpoint'];
    return sendsTo(url, target) ? [{ place, id: target.name, url }] : [];
  },

  save: async (api, place, { name, identity }, { url, secret }) => {
    const connection = await put(api, 'Connection', name, {
      AuthorizationType: 'API_KEY',
      AuthParameters: { ApiKeyAuthParameters: { ApiKeyName: 'x-api-key', ApiKeyValue: secret } },
    });
    const destination = await put(api, 'ApiDestination', name, {
      ConnectionArn: connection,
      InvocationEndpoint: url,
      HttpMethod: 'POST',
    });
    const pattern = {
      source: ['aws.ecr'],
      'detail-type': ['ECR Image Action', 'ECR Pull Through Cache Action'],
      account: [place],
    };
    await ask(api, 'PutRule', { Name: name, EventPattern: JSON.stringify(pattern), State: 'ENABLED' });
    const targets = { Rule: name, Targets: [{ Id: targetId, Arn: destination, RoleArn: identity }] };
    const answer = (await ask(api, 'PutTargets', targets)) as
      { FailedEntries?: { ErrorMessage?: string }[] } | undefined;
    const [failed] = answer?.FailedEntries ?? [];
    if (failed) throw new CliError(`EventBridge refused the target: ${failed.ErrorMessage ?? ''}`, exitCodes.failure);
  },

  remove: async (api, { id }) => {
    const absent = [missing];
    await ask(api, 'RemoveTargets', { Rule: id, Ids: [targetId] }, { absent });
    await ask(api, 'DeleteRule', { Name: id }, { absent });
    await ask(api, 'DeleteApiDestination', { Name: id }, { absent });
    await ask(api, 'DeleteConnection', { Name: id }, { absent });
  },
};
