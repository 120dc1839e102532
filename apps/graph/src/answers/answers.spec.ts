import { describe, expect, it } from 'vitest';
import { digestOf, ref, Story } from '../testing/story.js';
import { dependantsOf, dependantView, inputsOf } from './edges.js';
import { whyBuilt, whyMoved } from './why.js';

/** node → base → app, and app → tool; everything is built. */
const built = () =>
  new Story()
    .create('base', ['node'])
    .adopt('node', 'n1')
    .build('base', 'r1', 'b1')
    .create('app', ['base'])
    .adopt('base', 'b1', 'Watch')
    .build('app', 'r2', 'a1')
    .create('tool', ['app'])
    .adopt('app', 'a1', 'Watch')
    .build('tool', 'r3', 't1');

const hex = (text: string) => digestOf(text).slice(7, 19);

describe('the state of a task, in words', () => {
  it('is Fresh without a word when it stands on what is adopted', () => {
    const story = built();
    expect([story.state('base'), story.state('app'), story.state('tool')]).toEqual(['Fresh', 'Fresh', 'Fresh']);
    expect(story.reasons('app')).toEqual([]);
  });

  it('is Unbuilt until it was built once', () => {
    const story = new Story().create('app', ['node']);
    expect([story.state('app'), ...story.reasons('app')]).toEqual([
      'Unbuilt',
      'It was never built. Run it once: POST /v1/tasks/app/runs.',
    ]);
  });

  it('is Unknown while its inputs cannot be named', () => {
    const story = new Story().create('app', []).scan('app', [], 'Dockerfile line 3: $BASE is not set.');
    expect([story.state('app'), ...story.reasons('app')]).toEqual([
      'Unknown',
      'Its inputs cannot be named: Dockerfile line 3: $BASE is not set.',
    ]);
  });

  it('is Stale with what moved, and who it is waiting for', () => {
    const story = built().adopt('node', 'n2', 'Poll');
    expect([story.state('base'), ...story.reasons('base')]).toEqual([
      'Stale',
      `${ref('node')} moved ${hex('n1')} → ${hex('n2')} at 14:00:19 UTC on 2026-11-23, found by polling.`,
      'It is due and will be queued at once.',
    ]);
    expect([story.state('app'), ...story.reasons('app')]).toEqual([
      'Behind',
      'It is fresh, but base, which it stands on, is not.',
    ]);
    expect(story.reasons('tool')).toEqual(['It is fresh, but app, which it stands on, is not.']);
  });

  it('says which run is queued for it, and which one is building it', () => {
    const story = built().adopt('node', 'n2').queue('base', 'r4');
    expect(story.reasons('base').at(-1)).toBe('Run r4 is queued for it.');
    expect(story.start('r4').reasons('base').at(-1)).toBe('Run r4 is building it now.');
    story.queue('tool', 'r5');
    expect([story.state('tool'), ...story.reasons('tool')]).toEqual(['Behind', 'Run r5 is under way.']);
  });

  it('says that its new image is being looked at', () => {
    const story = built().adopt('node', 'n2').queue('base', 'r4').start('r4').succeed('base', 'r4', 'b2');
    expect([story.state('base'), ...story.reasons('base')]).toEqual([
      'Behind',
      'Its new image was pushed and is being looked at.',
    ]);
  });

  it('waits for an upstream that will still change, when it is stale itself', () => {
    const story = built()
      .adopt('node', 'n2')
      .update('app', { step: { target: 'release' } })
      .scan('app', ['base']);
    expect(story.reasons('app')).toEqual([
      expect.stringMatching(/^what the task builds was changed, definition \w{8} → \w{8}\.$/),
      'It waits for base, which will still change.',
    ]);
  });

  it('is Blocked, and says what has to happen', () => {
    const disabled = built().update('base', { status: 'Disabled' }).adopt('node', 'n2');
    expect([disabled.state('base'), disabled.reasons('base').at(-1)]).toEqual([
      'Blocked',
      'The task is disabled: enable it, or run it by hand.',
    ]);
    const off = { name: 'x', baseImageTriggerType: 'Runtime' as const, status: 'Disabled' as const };
    const trigger = built()
      .update('base', { trigger: { baseImageTrigger: off } })
      .adopt('node', 'n2');
    expect([trigger.state('base'), trigger.reasons('base').at(-1)]).toEqual([
      'Blocked',
      'Its base image trigger is off: turn it on, or run it by hand.',
    ]);
  });

  it('is Blocked when no builder takes its run, and its dependants go on without it', () => {
    const story = built().adopt('node', 'n2').queue('base', 'r4').unplaced('r4');
    expect([story.state('base'), story.reasons('base').at(-1)]).toEqual([
      'Blocked',
      'Run r4 is queued, and no builder serves the pool "default": start one with PLINTH_POOL=default. Until then it holds nobody.',
    ]);
    expect([story.state('app'), story.task('app').pending]).toEqual(['Behind', false]);
    expect(story.start('r4').state('base')).toBe('Stale');
  });

  it('names the other tasks of a loop, and a loop holds nobody', () => {
    const story = new Story().create('a', ['b']).create('b', ['a']);
    expect(story.task('a').component).not.toBeNull();
    expect([story.state('a'), story.state('b')]).toEqual(['Unbuilt', 'Unbuilt']);
  });
});

describe('why an image was built', () => {
  it('leads back to the change that began it', () => {
    const story = built().adopt('node', 'n2').build('base', 'r4', 'b2').build('app', 'r5', 'a2');
    const { runs } = story.graph;
    const texts = whyBuilt(runs.find('r5')!, (id) => runs.find(id)).map(({ text }) => text);
    expect(texts).toEqual([
      `app was built by run r5 because ${ref('base')} moved ${hex('b1')} → ${hex('b2')} at 14:00:23 UTC on 2026-11-23, pushed by run r4.`,
      `${ref('base')} moved to ${hex('b2')} because base was built by run r4: ${ref('node')} moved ${hex('n1')} → ${hex('n2')} at 14:00:19 UTC on 2026-11-23, the registry told us.`,
    ]);
  });

  it('names a person, and several causes in one sentence', () => {
    const story = built();
    const { runs } = story.graph;
    expect(whyBuilt(runs.find('r1')!, (id) => runs.find(id)).map(({ text }) => text)).toEqual([
      'base was built by run r1 because ada started it by hand at 14:00:03 UTC on 2026-11-23.',
    ]);
    story
      .adopt('node', 'n2')
      .update('base', { step: { target: 'release' } })
      .scan('base', ['node'])
      .queue('base', 'r4');
    const [sentence] = whyBuilt(runs.find('r4')!, (id) => runs.find(id));
    expect(sentence?.text).toMatch(
      /^base is being built by run r4 because registry\.test\/node:1 moved .* and what the task builds was changed, definition \w{8} → \w{8}\.$/,
    );
    story.start('r4').fail('base', 'r4');
    expect(whyBuilt(runs.find('r4')!, (id) => runs.find(id))[0]?.text).toMatch(
      /^base was to be built by run r4 because/,
    );
  });

  it('ends a very long chain with a sentence that says so', () => {
    const story = new Story().create('t0', ['node']).adopt('node', 'n1').build('t0', 'r0', 'x0');
    for (let level = 1; level <= 70; level += 1) {
      story.create(`t${level}`, [`t${level - 1}`]).adopt(`t${level - 1}`, `x${level - 1}`, 'Watch');
      story.build(`t${level}`, `r${level}`, `x${level}`);
    }
    story.adopt('node', 'n2');
    for (let level = 0; level <= 70; level += 1) story.build(`t${level}`, `s${level}`, `y${level}`);
    const { runs } = story.graph;
    const sentences = whyBuilt(runs.find('s70')!, (id) => runs.find(id));
    expect(sentences).toHaveLength(65);
    expect(sentences.at(-1)).toMatchObject({ code: 'CHAIN_CUT', text: 'The chain goes on; ask for an earlier run.' });
  });

  it('says of an image of others that nobody here pushed it', () => {
    expect(
      whyMoved('docker.io/library/node:22', digestOf('n1'), '2026-11-23T14:03:07.125Z', 'no task of ours pushed it'),
    ).toMatchObject({
      code: 'MOVED_OUTSIDE',
      text: `node:22 is at ${hex('n1')} since 14:03:07 UTC on 2026-11-23; no task of ours pushed it.`,
    });
  });
});

describe('who stands on whom', () => {
  it('is answered directly, or through all levels with the shortest way', () => {
    const story = built().create('both', ['node', 'app']);
    const names = (transitive: boolean) =>
      dependantsOf(story.graph.model, [ref('node')], transitive)
        .slice()
        .map(({ task, depth }) => [task.name, depth]);
    expect(names(false)).toEqual([
      ['base', 1],
      ['both', 1],
    ]);
    expect(names(true)).toEqual([
      ['base', 1],
      ['both', 1],
      ['app', 2],
      ['tool', 3],
    ]);
  });

  it('ends in a loop, and leaves out a task that was deleted', () => {
    const story = new Story().create('a', ['b']).create('b', ['a']);
    expect(
      dependantsOf(story.graph.model, [ref('a')], true)
        .slice()
        .map(({ task }) => task.name),
    ).toEqual(['b', 'a']);
    story.add('task.deleted', { task: 'b', by: 'ada' });
    expect(dependantsOf(story.graph.model, [ref('a')], true).slice()).toEqual([]);
  });

  it('counts who uses an image without tracking it, before and after that changes', () => {
    const runtime = (type: 'All' | 'Runtime') => ({
      trigger: { baseImageTrigger: { name: 'x', baseImageTriggerType: type, status: 'Enabled' as const } },
    });
    const story = new Story().create('copier', ['node'], runtime('Runtime'));
    const scanned = story.task('copier').scan!.inputs.map((input) => ({ ...input, role: 'copy' as const }));
    const { definitionHash } = story.task('copier');
    const rest = { task: 'copier', definitionHash, sourceRevision: null, status: 'Known' as const, reason: null };
    story.add('task.scanned', { ...rest, inputs: scanned });
    const shown = () =>
      dependantsOf(story.graph.model, [ref('node')], true)
        .slice()
        .map(dependantView);
    expect(shown()).toMatchObject([{ task: 'copier', roles: ['copy'], tracked: false }]);
    story.update('copier', runtime('All'));
    expect(shown()).toMatchObject([{ task: 'copier', tracked: true }]);
    story.update('copier', runtime('Runtime'));
    expect(shown()).toMatchObject([{ task: 'copier', tracked: false }]);
    story.add('task.scanned', { ...rest, inputs: [] });
    expect(shown()).toEqual([]);
  });

  it('names for each input what is adopted, what was used, and who pushes it', () => {
    const story = built().adopt('node', 'n2');
    expect(inputsOf(story.graph.model, [story.task('app')], true)).toMatchObject([
      {
        task: 'app',
        reference: ref('base'),
        depth: 1,
        adopted: digestOf('b1'),
        used: digestOf('b1'),
        upstream: ['base'],
      },
      { task: 'base', reference: ref('node'), depth: 2, adopted: digestOf('n2'), used: digestOf('n1'), upstream: [] },
    ]);
    expect(inputsOf(story.graph.model, [story.task('app')], false)).toHaveLength(1);
  });
});
