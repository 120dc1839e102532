import { entry, type CommandEntry } from '../command.js';

/** Every command, in the order in which help shows them. A new one is a file and a line here. */
export const commands: readonly CommandEntry[] = [
  entry('up', 'Start Plinth here, in the foreground', () => import('./up.js')),
  entry('status', 'How many tasks are in which state, and what is under way', () => import('./status.js')),
  entry('doctor', 'Look for what is wrong, and say what to do', () => import('./doctor.js')),
  entry('login', 'Try a token and keep it', () => import('./login.js')),
  entry('completion', 'Print the completion script of a shell', () => import('./completion.js')),

  entry('why', 'Why a task, an image or a run is as it is', () => import('./why.js')),
  entry('stale', 'List what is stale, with why', () => import('./stale.js')),
  entry('graph', 'What stands on an image, or what it stands on', () => import('./graph.js')),
  entry('impact', 'What would be rebuilt if an image moved now, and how long it takes', () => import('./impact.js')),
  entry('contains', 'Which images still stand on a digest, at any depth', () => import('./contains.js')),
  entry('current', 'How much is fresh, by team and by image', () => import('./current.js')),
  entry('inspect dockerfile', 'Which images a Dockerfile uses, and for what', () => import('./inspect/dockerfile.js')),
  entry('inspect provenance', 'How an image came about, and who signed that', () => import('./inspect/provenance.js')),

  entry('build', 'Build a folder or a git URL once, without a task', () => import('./build.js')),
  entry('logs', 'Print the log of a run', () => import('./runs/logs.js')),
  entry('events', 'Follow the events', () => import('./events.js')),

  entry('task create', 'Create a task', () => import('./task/create.js')),
  entry('task update', 'Change a task', () => import('./task/update.js')),
  entry('task show', 'Show a task', () => import('./task/show.js')),
  entry('task list', 'List tasks', () => import('./task/list.js')),
  entry('task delete', 'Delete a task', () => import('./task/delete.js')),
  entry('task run', 'Run a task now', () => import('./task/run.js')),
  entry('task logs', 'Print the log of a run of a task', () => import('./task/logs.js')),
  entry('task list-runs', 'List runs', () => import('./task/list-runs.js')),
  entry('task show-run', 'Show a run', () => import('./task/show-run.js')),
  entry('task cancel-run', 'Cancel a run', () => import('./task/cancel-run.js')),
  entry('task reset', 'Close the circuit of a task that failed too often', () => import('./task/reset.js')),
  entry('task credential add', "Check, or give, a registry's login", () => import('./task/credential/add.js')),

  entry('runs list', 'List runs', () => import('./runs/list.js')),
  entry('runs show', 'Show a run', () => import('./runs/show.js')),
  entry('runs logs', 'Print the log of a run', () => import('./runs/logs.js')),
  entry('runs steps', 'List the steps of a run', () => import('./runs/steps.js')),
  entry('runs watch', 'Show a run until it ends', () => import('./runs/watch.js')),
  entry('runs cancel', 'Cancel a run', () => import('./runs/cancel.js')),
  entry('runs retry', 'Run a run again', () => import('./runs/retry.js')),

  entry('wave list', 'List waves', () => import('./wave/list.js')),
  entry('wave show', 'Show a wave', () => import('./wave/show.js')),
  entry('wave watch', 'Show a wave until it closes', () => import('./wave/watch.js')),

  entry('image list', 'List watched images', () => import('./image/list.js')),
  entry('image show', 'Show a watched image', () => import('./image/show.js')),
  entry('image history', 'List the digests that an image had', () => import('./image/history.js')),
  entry('image look', 'Look at an image now', () => import('./image/look.js')),
  entry('image hold', 'Hold an image: what stands on it stays as it is', () => import('./image/hold.js')),
  entry('image release', 'Let a held digest go, whatever holds it', () => import('./image/release.js')),
  entry('image pin', 'Keep what stands on an image on one digest', () => import('./image/pin.js')),
  entry('image unpin', 'Let policy decide again', () => import('./image/unpin.js')),
  entry('image rollback', 'Go back to the digest before', () => import('./image/rollback.js')),

  entry('policy create', 'Make an adoption policy', () => import('./policy/create.js')),
  entry('policy list', 'List adoption policies', () => import('./policy/list.js')),
  entry('policy show', 'Show an adoption policy', () => import('./policy/show.js')),
  entry('policy update', 'Change an adoption policy', () => import('./policy/update.js')),
  entry('policy delete', 'Delete an adoption policy', () => import('./policy/delete.js')),

  entry('registry add', 'Make a registry known', () => import('./registry/add.js')),
  entry('registry list', 'List registries', () => import('./registry/list.js')),
  entry('registry show', 'Show a registry', () => import('./registry/show.js')),
  entry('registry update', 'Change a registry', () => import('./registry/update.js')),
  entry('registry remove', 'Forget a registry', () => import('./registry/remove.js')),
  entry(
    'registry connect',
    'Set up notifications: print what to put where, wait for the first',
    () => import('./registry/connect.js'),
  ),
  entry('registry test', 'Try a registry: is it there, does it take the login', () => import('./registry/test.js')),

  entry('token create', 'Make a token', () => import('./token/create.js')),
  entry('token list', 'List tokens', () => import('./token/list.js')),
  entry('token revoke', 'Revoke a token', () => import('./token/revoke.js')),

  entry('secret set', 'Store a secret, from stdin or a file', () => import('./secret/set.js')),
  entry('secret list', 'List secrets', () => import('./secret/list.js')),
  entry('secret remove', 'Remove a secret', () => import('./secret/remove.js')),

  entry('apply', 'Make registries, policies and tasks as files say', () => import('./apply.js')),
  entry('diff', 'Print what apply would change', () => import('./diff.js')),
  entry('export', 'Print everything that was set, as files', () => import('./export.js')),
  entry('import acr', 'Tasks of Azure Container Registry as files', () => import('./import/acr.js')),
  entry('dead list', 'List what could not be processed', () => import('./dead/list.js')),
  entry('dead replay', 'Put back what could not be processed', () => import('./dead/replay.js')),

  entry('backup', 'Back up everything that Plinth keeps', () => import('./backup.js')),
  entry('restore', 'Put a backup back', () => import('./restore.js')),

  entry('ctx list', 'List contexts', () => import('./ctx/list.js')),
  entry('ctx add', 'Add or change a context', () => import('./ctx/add.js')),
  entry('ctx use', 'Use a context from now on', () => import('./ctx/use.js')),
  entry('ctx remove', 'Remove a context', () => import('./ctx/remove.js')),

  entry('show', 'Show a registry, as az acr show does', () => import('./show.js'), { hidden: true }),
  entry('run', 'Reserved for multi-step tasks', () => import('./run.js'), { hidden: true }),
  entry('pack', 'Reserved for builds by buildpacks', () => import('./pack.js'), { hidden: true }),
  entry('__complete', 'Words that could follow, for shells', () => import('./complete.js'), { hidden: true }),
];

/** What the commands of a noun are about. */
export const nouns: Readonly<Record<string, string>> = {
  task: 'Tasks: what is built of what, and when',
  'task credential': 'Logins, as az gives them to tasks',
  runs: 'Runs: builds of tasks, and what came of them',
  wave: 'Waves: what one moved image made stale',
  image: 'Images that tasks stand on',
  policy: 'Adoption policies: when a new digest is used',
  registry: 'Registries: where images are',
  token: 'Tokens: who may do what',
  secret: 'Secrets: logins and build arguments that nobody sees',
  inspect: 'What files and images say, without a server',
  dead: 'Dead letters: what could not be processed, with its cause',
  import: 'Import: what other systems hold, as files',
  ctx: 'Contexts: servers that you work with',
};
