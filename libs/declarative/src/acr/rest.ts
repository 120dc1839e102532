import { fieldsAt, isEmpty, textAt, type AcrNote, type Fields } from './notes.js';

/** What is taken from a task, or says only where it lies in Azure. */
const known = new Set(
  [
    ['name', 'status', 'platform', 'timeout', 'agentConfiguration', 'agentPoolName', 'step', 'trigger', 'tags'],
    ['credentials', 'identity', 'logTemplate', 'isSystemTask'],
    ['id', 'type', 'location', 'resourceGroup', 'systemData', 'etag', 'creationDate', 'provisioningState'],
  ].flat(),
);

/** What of a task has no place in Plinth, or needs a hand. */
export const restOf = (task: Fields): AcrNote[] => [
  ...credentialNotes(fieldsAt(task['credentials'])),
  ...identityNotes(task['identity']),
  ...poolNotes(task),
  ...(textAt(task['logTemplate']) === undefined
    ? []
    : [
        {
          field: 'logTemplate',
          what: 'Logs of runs are not stored as artifacts in a registry.',
          todo: 'Nothing: plinth task logs shows them; they are kept for 30 days.',
        },
      ]),
  ...Object.keys(task)
    .filter((field) => !known.has(field) && !isEmpty(task[field]))
    .map((field) => ({
      field,
      what: 'This field is not known to the import.',
      todo: 'Compare the task with what the import made of it.',
    })),
];

const credentialNotes = (credentials: Fields): AcrNote[] => {
  const source = fieldsAt(credentials['sourceRegistry']);
  const custom = Object.keys(fieldsAt(credentials['customRegistries']));
  return [
    ...(isEmpty(source)
      ? []
      : [
          {
            field: 'credentials.sourceRegistry',
            what: 'The right of the task to its own registry is not carried over: an identity of Azure works inside of Azure only.',
            todo: 'Make the registry known with a token or service principal: plinth registry add HOST --username NAME --password SECRET',
          },
        ]),
    ...custom.map((host) => ({
      field: `credentials.customRegistries["${host}"]`,
      what: `The credentials for ${host} are not in the file.`,
      todo: `Make it known once, for all tasks: plinth secret set NAME, then plinth registry add ${host} --username USER --password NAME`,
    })),
  ];
};

const identityNotes = (given: unknown): AcrNote[] => {
  const type = textAt(fieldsAt(given)['type']);
  if (type === undefined || type === 'None') return [];
  return [
    {
      field: 'identity',
      what: `The managed identity (${type}) is not carried over: it exists inside of Azure only.`,
      todo: 'Give each registry that it opened credentials of its own: plinth registry add.',
    },
  ];
};

const poolNotes = (task: Fields): AcrNote[] => {
  const pool = textAt(task['agentPoolName']);
  if (pool === undefined) return [];
  return [
    {
      field: 'agentPoolName',
      what: `The task runs in the pool ${pool}, and waits until a builder of that pool is there.`,
      todo: `Start a builder with PLINTH_POOL=${pool}, or leave agentPoolName out for the default pool.`,
    },
  ];
};
