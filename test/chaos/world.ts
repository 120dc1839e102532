/**
 * What people declared: two bases, and the tasks that stand on them. Every base carries its token in /token; what an
 * image holds shows which generation of its bases it stands on.
 */
export interface DeclaredBase {
  readonly name: string;
  readonly repository: string;
  readonly tag: string;
}

export interface DeclaredTask {
  readonly name: string;
  readonly repository: string;
  /** More than one, so that a builder can die between two. */
  readonly tags: readonly string[];
  /** `{host}` stands for the registry. */
  readonly dockerfile: string;
  /** `Runtime` follows the base of the final stage, `All` also what is copied from. */
  readonly tracks: 'Runtime' | 'All';
  /** File in the image → name of the base whose token it must hold. */
  readonly proofs: Readonly<Record<string, string>>;
}

export const bases: readonly DeclaredBase[] = [
  { name: 'base-1', repository: 'base-1', tag: '1' },
  { name: 'base-2', repository: 'base-2', tag: '1' },
];

const task = (
  name: string,
  dockerfile: readonly string[],
  proofs: Readonly<Record<string, string>>,
  tracks: DeclaredTask['tracks'] = 'Runtime',
): DeclaredTask => ({
  name,
  repository: name,
  tags: ['1', 'latest'],
  dockerfile: [...dockerfile, ''].join('\n'),
  tracks,
  proofs,
});

/** A chain of two on the first base; an uneven diamond on the second one. In an order in which they can be built. */
export const tasks: readonly DeclaredTask[] = [
  task('chain-a', ['FROM {host}/base-1:1', 'COPY app.txt /a.txt'], { '/token': 'base-1' }),
  task('chain-b', ['FROM {host}/chain-a:1', 'COPY app.txt /b.txt'], { '/token': 'base-1' }),
  task('left', ['FROM {host}/base-2:1', 'COPY app.txt /left.txt'], { '/token': 'base-2' }),
  task('right', ['FROM {host}/base-2:1', 'COPY app.txt /right.txt'], { '/token': 'base-2' }),
  task(
    'join',
    [
      'FROM {host}/left:1',
      'COPY --from={host}/right:1 /token /from-right',
      'COPY --from={host}/base-2:1 /token /from-base',
    ],
    { '/token': 'base-2', '/from-right': 'base-2', '/from-base': 'base-2' },
    'All',
  ),
];
