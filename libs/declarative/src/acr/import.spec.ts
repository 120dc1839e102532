import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { resourceDocuments } from '#libs/contracts';
import { importAcrTask, isAcrTask, type AcrReport } from './import.js';
import type { Fields } from './notes.js';

const read = async (name: string) => JSON.parse(await readFile(`test/data/acr/${name}`, 'utf8')) as unknown;
const list = (await read('task-list.json')) as Fields[];
const imported = new Map(list.map((task) => [task['name'] as string, importAcrTask(task)]));
const documentOf = (name: string) => imported.get(name)?.document;
const reportOf = (name: string): AcrReport => imported.get(name)!.report;
const fieldsOf = (name: string) => reportOf(name).notes.map(({ field }) => field);

describe('what `az acr task list` prints', () => {
  it('is known for what it is, each task of it', () => {
    expect(list.every(isAcrTask)).toBe(true);
    expect(isAcrTask({ apiVersion: 'plinth.dev/v1', type: 'Task', name: 'x' })).toBe(false);
  });

  it('becomes tasks that the API takes, and nothing else', () => {
    for (const { document } of imported.values()) {
      if (document) expect(resourceDocuments.Task.safeParse(document).error?.issues).toBeUndefined();
    }
    const outcomes = Object.fromEntries([...imported].map(([name, { report }]) => [name, report.outcome]));
    expect(outcomes).toEqual({
      'baseimage-node': 'Complete',
      helloworld: 'Partly',
      'nightly-tools': 'Partly',
      crossregistry: 'Partly',
      'arm-agent': 'Partly',
      'windows-web': 'LeftOut',
      multistep: 'LeftOut',
      'encoded-build': 'Complete',
      'encoded-purge': 'LeftOut',
      quicktask: 'LeftOut',
      'oci-context': 'Complete',
      'commit-tagged': 'LeftOut',
    });
  });

  it('keeps a Docker step as it is, with the registry in front of image names', () => {
    expect(documentOf('baseimage-node')).toEqual({
      apiVersion: 'plinth.dev/v1',
      type: 'Task',
      name: 'baseimage-node',
      status: 'Enabled',
      platform: { os: 'Linux', architecture: 'amd64' },
      agentConfiguration: { cpu: 2 },
      timeout: 3600,
      step: {
        type: 'Docker',
        contextPath: 'https://github.com/contoso/base-images.git#main:node',
        dockerFilePath: 'Dockerfile',
        imageNames: [
          'contosoimages.azurecr.io/baseimages/node:22',
          'contosoimages.azurecr.io/baseimages/node:22-{{.Run.ID}}',
        ],
        isPushEnabled: true,
        noCache: false,
        arguments: [],
      },
      trigger: {
        baseImageTrigger: {
          name: 'defaultBaseimageTriggerName',
          baseImageTriggerType: 'Runtime',
          status: 'Enabled',
        },
      },
      tags: { team: 'platform', 'cost-center': '4711' },
    });
  });

  it('refers to secrets by name, and says which to store', () => {
    expect(documentOf('helloworld')?.step).toMatchObject({
      imageNames: ['contosoimages.azurecr.io/helloworld:{{.Run.ID}}', 'contosoimages.azurecr.io/helloworld:latest'],
      arguments: [
        { name: 'REGISTRY_NAME', value: 'contosoimages.azurecr.io' },
        { name: 'NPM_TOKEN', isSecret: true, secretRef: 'helloworld.NPM_TOKEN' },
      ],
    });
    expect(reportOf('helloworld').notes).toContainEqual(
      expect.objectContaining({
        field: 'step.arguments[1].value',
        todo: 'Store it: plinth secret set helloworld.NPM_TOKEN',
      }),
    );
  });

  it('names each trigger, identity, credential and pool that is lost, with what to do', () => {
    expect(fieldsOf('helloworld')).toEqual([
      'step.arguments[1].value',
      'trigger.sourceTriggers[0]',
      'trigger.sourceTriggers[0].sourceRepository.sourceControlAuthProperties',
    ]);
    expect(fieldsOf('nightly-tools')).toEqual(['trigger.timerTriggers[0]', 'trigger.timerTriggers[1]']);
    expect(reportOf('nightly-tools').notes[0]?.what).toMatch(/t1 \(0 21 \* \* \*, UTC, Enabled\)/);
    expect(documentOf('nightly-tools')).toMatchObject({
      step: { target: 'release', noCache: true },
      trigger: { baseImageTrigger: { baseImageTriggerType: 'All' } },
    });
    expect(fieldsOf('crossregistry')).toEqual([
      'credentials.sourceRegistry',
      'credentials.customRegistries["contosobases.azurecr.io"]',
      'identity',
    ]);
    expect(fieldsOf('arm-agent')).toEqual(['agentPoolName', 'logTemplate']);
    expect(documentOf('arm-agent')).toMatchObject({
      status: 'Disabled',
      timeout: 7200,
      agentPoolName: 'vnet-pool',
      platform: { os: 'Linux', architecture: 'arm', variant: 'v7' },
      trigger: { baseImageTrigger: null },
    });
    for (const { report } of imported.values()) {
      for (const { what, todo } of report.notes) expect([what, todo].every((text) => text.length > 10)).toBe(true);
    }
  });

  it('makes a Docker step of an encoded task that is one build and its push', () => {
    expect(documentOf('encoded-build')?.step).toEqual({
      type: 'Docker',
      contextPath: 'https://github.com/contoso/api.git#main',
      dockerFilePath: 'docker/Dockerfile',
      imageNames: ['contosoimages.azurecr.io/api:stable', 'contosoimages.azurecr.io/api:{{.Run.ID}}'],
      isPushEnabled: true,
      noCache: false,
      target: 'final',
      arguments: [{ name: 'GREETING', value: 'hello world' }],
    });
  });

  it('says of each task that is left out at which field, and why', () => {
    const why = (name: string) => [fieldsOf(name)[0], reportOf(name).notes[0]?.what];
    expect(why('windows-web')).toEqual(['platform.os', expect.stringMatching(/Windows/)]);
    expect(why('multistep')).toEqual(['step.taskFilePath', expect.stringMatching(/taskmulti\.yaml/)]);
    expect(why('encoded-purge')).toEqual(['step.encodedTaskContent', expect.stringMatching(/1 cmd/)]);
    expect(why('quicktask')[0]).toBe('isSystemTask');
    expect(why('commit-tagged')).toEqual(['step.imageNames[0]', expect.stringMatching(/Run\.Commit/)]);
  });

  it('is taken as the REST API answers it, too', async () => {
    const task = (await read('task-rest.json')) as Fields;
    expect(isAcrTask(task)).toBe(true);
    expect(importAcrTask(task).document).toMatchObject({
      name: 'rest-shape',
      step: documentOf('baseimage-node')!.step,
    });
  });

  it('takes another registry where it is said', () => {
    const names = (registry: string) => importAcrTask(list[0]!, { registry }).document?.step.imageNames?.[0];
    expect(names('other')).toBe('other.azurecr.io/baseimages/node:22');
    expect(names('registry.example:5000')).toBe('registry.example:5000/baseimages/node:22');
    const { id: _id, ...anonymous } = list[0]!;
    expect(importAcrTask(anonymous).report.notes[0]?.todo).toMatch(/--registry/);
  });

  it('never becomes anything but a report, whatever it holds', () => {
    const parts: unknown[] = [null, 7, 'x', [], {}, [null], { a: 1 }, [[]], true];
    for (const field of Object.keys(list[1]!)) {
      for (const part of parts) {
        const { report } = importAcrTask({ ...list[1], [field]: part });
        expect(['Complete', 'Partly', 'LeftOut']).toContain(report.outcome);
      }
    }
  });
});
