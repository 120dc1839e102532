import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gitServer, type GitServer } from '../../libs/context/src/testing/git-server.js';
import { Cli, normalised } from '../support/cli.js';
import { Plinth } from '../support/plinth.js';
import { startRegistry, type JourneyRegistry } from '../support/registry.js';

const dockerfileBase = (version: string): string => `FROM scratch\nENV NODE_VERSION ${version}\n`;
const names = ['contosoapps', 'contosobases'] as const;
const dockerfileApp = 'ARG REGISTRY_NAME\nFROM ${REGISTRY_NAME}/baseimages/node:15-alpine\nCOPY . /src\n';

/**
 * The commands of Azure's two tutorials on base image updates, as they stand there, with `plinth` in place of `az acr`:
 * container-registry-tutorial-base-image-update and container-registry-tutorial-private-base-image-update. The
 * registries have Azure's names and are on this machine, the repository is not on github.com, and what is no `az acr`
 * (docker, az role) is left out.
 */
describe("the commands of ACR's tutorials", () => {
  let plinth: Plinth;
  let registries: JourneyRegistry[];
  let git: GitServer;
  let cli: Cli;
  let sample: string;
  let env: Record<string, string>;

  beforeAll(async () => {
    [plinth, git, ...registries] = await Promise.all([Plinth.start(), gitServer(), startRegistry(), startRegistry()]);
    cli = await Cli.for(plinth);
    for (const [name, { host }] of registries.map((registry, index) => [names[index]!, registry] as const)) {
      await cli.ok('registry', 'add', `${name}.azurecr.io`, '--scheme', 'http', '--endpoint', host);
    }
    sample = await cli.files('acr-build-helloworld-node', {
      'Dockerfile-base': dockerfileBase('15.2.1'),
      'Dockerfile-app': dockerfileApp,
    });
    await git.commit('master', { 'Dockerfile-app': dockerfileApp, 'server.js': 'hello' });
    await git.git('branch', 'main', 'master');
    git.wants = `Basic ${Buffer.from('x-access-token:pat-of-the-tutorial').toString('base64')}`;
    env = {
      ACR_NAME: names[0],
      BASE_ACR: names[1],
      GIT: `${git.url}/r.git`,
      GIT_PAT: 'pat-of-the-tutorial',
    };
  });
  afterAll(async () => {
    await plinth?.close();
    await git?.close();
    for (const registry of registries ?? []) await registry.close();
    await cli?.close();
  });

  /** The newest run of a task that its base started. */
  const imageUpdate = async (task: string, after: number): Promise<string> => {
    const { data } = await plinth.until(
      'run.queued',
      (run) => run.task === task && run.causes.some(({ type }) => type === 'BaseImageMoved'),
      after,
    );
    await plinth.ended(data.run);
    return data.run;
  };

  const table = async (): Promise<string> => {
    const { stdout } = await cli.shell('plinth task list-runs --registry $ACR_NAME --output table', { env });
    return normalised(stdout).replaceAll(/^[a-z][a-z0-9-]*(?= {2})/gm, 'ID');
  };

  it('rebuild an image when its base in the same registry is updated', async () => {
    const built = await cli.shell(
      'plinth build --registry $ACR_NAME --image baseimages/node:15-alpine --file Dockerfile-base .',
      { env, cwd: sample },
    );
    expect(built.code, built.stderr).toBe(0);
    expect(built.stdout).toMatch(/^Run ID: \S+ was successful after/);
    expect(await registries[0]!.digestOf('baseimages/node', '15-alpine')).not.toBeNull();

    const created = await cli.shell(
      `plinth task create \\
        --registry $ACR_NAME \\
        --name baseexample1 \\
        --image helloworld:{{.Run.ID}} \\
        --arg REGISTRY_NAME=$ACR_NAME.azurecr.io \\
        --context $GIT#master \\
        --file Dockerfile-app \\
        --git-access-token $GIT_PAT`,
      { env },
    );
    expect(created.code, created.stderr).toBe(0);
    expect(created.stdout + created.stderr).not.toContain(env['GIT_PAT']);
    await plinth.watching('baseexample1');

    const run = await cli.shell('plinth task run --registry $ACR_NAME --name baseexample1', { env });
    expect(run.code, run.stderr).toBe(0);
    const login = await cli.shell('plinth login --name $ACR_NAME', { env });
    expect(login).toMatchObject({ code: 0, stderr: expect.stringContaining('docker login contosoapps.azurecr.io') });
    expect(await table()).toMatchInlineSnapshot(`
      "RUN ID  TASK  PLATFORM  STATUS  TRIGGER  STARTED  DURATION
      ID  baseexample1  linux  Succeeded  Manual  TIME  DURATION
      ID  linux  Succeeded  Manual  TIME  DURATION
      "
    `);

    const seen = plinth.feed.events.length;
    await cli.files('acr-build-helloworld-node', { 'Dockerfile-base': dockerfileBase('15.2.1a') });
    const again = await cli.shell(
      'plinth build --registry $ACR_NAME --image baseimages/node:15-alpine --file Dockerfile-base .',
      { env, cwd: sample },
    );
    expect(again.code, again.stderr).toBe(0);
    const updated = await imageUpdate('baseexample1', seen);
    expect(await table()).toMatchInlineSnapshot(`
      "RUN ID  TASK  PLATFORM  STATUS  TRIGGER  STARTED  DURATION
      ID  baseexample1  linux  Succeeded  Image Update  TIME  DURATION
      ID  linux  Succeeded  Manual  TIME  DURATION
      ID  baseexample1  linux  Succeeded  Manual  TIME  DURATION
      ID  linux  Succeeded  Manual  TIME  DURATION
      "
    `);
    expect(await registries[0]!.digestOf('helloworld', updated)).not.toBeNull();
  });

  it('rebuild an image when its base in another registry is updated', async () => {
    const script = `
      plinth build --registry $BASE_ACR --image baseimages/node:15-alpine --file Dockerfile-base .
      plinth task create \\
        --registry $ACR_NAME \\
        --name baseexample2 \\
        --image helloworld:{{.Run.ID}} \\
        --context $GIT#main \\
        --file Dockerfile-app \\
        --git-access-token $GIT_PAT \\
        --arg REGISTRY_NAME=$BASE_ACR.azurecr.io \\
        --assign-identity
      principalID=$(plinth task show --name baseexample2 --registry $ACR_NAME --query identity.principalId --output tsv)
      baseregID=$(plinth show --name $BASE_ACR --query id --output tsv)
      [ "$baseregID" = /registries/$BASE_ACR.azurecr.io ]
      plinth task credential add \\
        --name baseexample2 \\
        --registry $ACR_NAME \\
        --login-server $BASE_ACR.azurecr.io \\
        --use-identity [system]`;
    const prepared = await cli.shell(script, { env, cwd: sample });
    expect(prepared.code, prepared.stderr).toBe(0);
    expect(await registries[1]!.digestOf('baseimages/node', '15-alpine')).not.toBeNull();
    await plinth.watching('baseexample2');
    const run = await cli.shell('plinth task run --registry $ACR_NAME --name baseexample2', { env });
    expect(run.code, run.stderr).toBe(0);

    const seen = plinth.feed.events.length;
    await cli.files('acr-build-helloworld-node', { 'Dockerfile-base': dockerfileBase('15.2.1b') });
    const again = await cli.shell(
      'plinth build --registry $BASE_ACR --image baseimages/node:15-alpine --file Dockerfile-base .',
      { env, cwd: sample },
    );
    expect(again.code, again.stderr).toBe(0);
    const updated = await imageUpdate('baseexample2', seen);
    expect(await registries[0]!.digestOf('helloworld', updated)).not.toBeNull();
    const [first] = (await table()).split('\n').slice(1);
    expect(first).toMatch(/^ID {2}baseexample2 {2}linux {2}Succeeded {2}Image Update {2}TIME {2}DURATION$/);
  });
});
