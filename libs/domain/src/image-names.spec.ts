import { describe, expect, it } from 'vitest';
import type { TaskDefinition } from '#libs/contracts';
import { ImageNameError, isStable, renderImageName, stableOutputs } from './image-names.js';

const run = { id: 'c4f2', date: new Date('2026-11-23T14:03:07.999Z') };
const digest = `sha256:${'a'.repeat(64)}`;

describe('the name of an image', () => {
  it.each([
    ['app:1', 'docker.io/library/app:1'],
    ['app', 'docker.io/library/app:latest'],
    ['ghcr.io/acme/app:{{.Run.ID}}', 'ghcr.io/acme/app:c4f2'],
    ['ghcr.io/acme/app:{{ .Run.ID }}', 'ghcr.io/acme/app:c4f2'],
    ['ghcr.io/acme/app:{{.Build.ID}}', 'ghcr.io/acme/app:c4f2'],
    ['ghcr.io/acme/app:{{.Run.Date}}-{{.Run.ID}}', 'ghcr.io/acme/app:20261123-140307z-c4f2'],
    ['registry.local:5000/app:v{{.Run.ID}}', 'registry.local:5000/app:vc4f2'],
  ])('%s becomes %s', (name, reference) => expect(renderImageName(name, run)).toBe(reference));

  it.each([
    ['app:{{.Run.Commit}}', 'only {{.Run.ID}} and {{.Run.Date}} can stand in an image name'],
    ['app:{{.Run.ID', 'only {{.Run.ID}} and {{.Run.Date}} can stand in an image name'],
    [`app@${digest}`, 'an image is pushed to a tag, not to a digest'],
    ['acme/UPPER:1', 'acme/UPPER:1'],
    ['app:not a tag', 'app:not a tag'],
  ])('%s is refused', (name, words) => {
    const render = () => renderImageName(name, run);
    expect(render).toThrow(ImageNameError);
    expect(render).toThrow(words);
    expect(render).toThrow(expect.objectContaining({ code: 'IMAGE_NAME_INVALID' }));
  });
});

describe('the tags that dependants can stand on', () => {
  const step = (imageNames: string[], isPushEnabled = true) =>
    stableOutputs({ step: { imageNames, isPushEnabled } as TaskDefinition['step'] });
  it.each<[string, string[], string[]]>([
    ['are those without variables', ['app:1', 'app:{{.Run.ID}}'], ['docker.io/library/app:1']],
    ['are counted once however they are written', ['app:1', 'docker.io/library/app:1'], ['docker.io/library/app:1']],
    ['leave out what is no reference', ['app:1', 'No Reference'], ['docker.io/library/app:1']],
    ['are none where there are no names', [], []],
  ])('%s', (_title, names, outputs) => expect(step(names)).toEqual(outputs));
  it('are none when nothing is pushed', () => expect(step(['app:1'], false)).toEqual([]));
  it('have no variable in them', () => {
    expect(isStable('app:1')).toBe(true);
    expect(isStable('app:{{.Run.Date}}')).toBe(false);
  });
});
