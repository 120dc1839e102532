import type { Declaration, DeclaredImage } from './verify.js';

/** Hosts of the two registries, as they stand in image names. */
export interface Hosts {
  readonly company: string;
  readonly public: string;
}

interface Recipe extends DeclaredImage {
  /** What the story says of it. */
  readonly about: string;
  readonly baseImageTriggerType: 'Runtime' | 'All';
  /** `at` gives the full name of a base or an image. */
  readonly dockerfile: (at: (name: string) => string) => string;
}

const bases = [
  { name: 'base', registry: 'company', repository: 'acme/base', tag: '1' },
  { name: 'toolchain', registry: 'public', repository: 'library/toolchain', tag: '1' },
] as const;

/**
 * Each build notes what it saw of its base, and an id of its own: two builds never give one digest, so none can hide
 * from the registry's journal.
 */
const see = (name: string): string =>
  `RUN mkdir -p /seen && cat /token > /seen/${name} && cat /proc/sys/kernel/random/uuid > /build-id`;

const image = (
  name: string,
  about: string,
  more: Pick<Recipe, 'standsOn' | 'proofs' | 'dockerfile'> & Partial<Recipe>,
): Recipe => ({
  name,
  about,
  repository: `acme/${name}`,
  tag: '1',
  automatic: true,
  baseImageTriggerType: 'Runtime',
  ...more,
});

/** A chain of three, two diamonds, a build stage from the public registry, and one whose trigger is off. */
export const recipes: readonly Recipe[] = [
  image('runtime', 'a chain of three begins', {
    standsOn: ['base'],
    proofs: { '/token': 'base', '/seen/runtime': 'base' },
    dockerfile: (at) => `FROM ${at('base')}\n${see('runtime')}\n`,
  }),
  image('framework', 'its second link', {
    standsOn: ['runtime'],
    proofs: { '/token': 'base', '/seen/runtime': 'base', '/seen/framework': 'base' },
    dockerfile: (at) => `FROM ${at('runtime')}\n${see('framework')}\n`,
  }),
  image('shop', 'its third', {
    standsOn: ['framework'],
    proofs: { '/token': 'base', '/seen/framework': 'base', '/seen/shop': 'base' },
    dockerfile: (at) => `FROM ${at('framework')}\n${see('shop')}\n`,
  }),
  image('report', 'a diamond with arms of unequal length: by framework, and from the base itself', {
    standsOn: ['framework', 'base'],
    baseImageTriggerType: 'All',
    proofs: { '/seen/framework': 'base', '/seen/base': 'base', '/seen/report': 'base' },
    dockerfile: (at) => `FROM ${at('framework')}\nCOPY --from=${at('base')} /token /seen/base\n${see('report')}\n`,
  }),
  image('left', 'one arm of a diamond', {
    standsOn: ['base'],
    proofs: { '/token': 'base', '/seen/left': 'base' },
    dockerfile: (at) => `FROM ${at('base')}\n${see('left')}\n`,
  }),
  image('right', 'the other arm', {
    standsOn: ['base'],
    proofs: { '/token': 'base', '/seen/right': 'base' },
    dockerfile: (at) => `FROM ${at('base')}\n${see('right')}\n`,
  }),
  image('join', 'where they meet: FROM left, COPY --from right', {
    standsOn: ['left', 'right'],
    baseImageTriggerType: 'All',
    proofs: { '/token': 'base', '/seen/left': 'base', '/seen/right': 'base', '/seen/join': 'base' },
    dockerfile: (at) => `FROM ${at('left')}\nCOPY --from=${at('right')} /seen/right /seen/right\n${see('join')}\n`,
  }),
  image('web', 'compiled in a build stage from the public registry, run on the base', {
    standsOn: ['base', 'toolchain'],
    baseImageTriggerType: 'All',
    proofs: { '/token': 'base', '/seen/web': 'base', '/seen/toolchain': 'toolchain' },
    dockerfile: (at) =>
      [
        `FROM ${at('toolchain')} AS compiler`,
        'RUN cat /token > /compiled',
        `FROM ${at('base')}`,
        'COPY --from=compiler /compiled /seen/toolchain',
        see('web'),
        '',
      ].join('\n'),
  }),
  image('archive', 'its trigger is off: it stays as it is', {
    standsOn: ['base'],
    automatic: false,
    proofs: { '/token': 'base', '/seen/archive': 'base' },
    dockerfile: (at) => `FROM ${at('base')}\n${see('archive')}\n`,
  }),
];

export const declaration: Declaration = {
  bases,
  images: recipes.map(({ name, repository, tag, standsOn, automatic, proofs }) => ({
    name,
    repository,
    tag,
    standsOn,
    automatic,
    proofs,
  })),
};

/** `host/repository:tag` of a base or an image of the declaration. */
export const referenceOf = (name: string, hosts: Hosts): string => {
  const base = bases.find((one) => one.name === name);
  if (base) return `${hosts[base.registry]}/${base.repository}:${base.tag}`;
  const recipe = recipes.find((one) => one.name === name);
  if (!recipe) throw new Error(`The demo declares no image ${name}.`);
  return `${hosts.company}/${recipe.repository}:${recipe.tag}`;
};

/** 1 for what stands on bases alone; else one more than the highest image below. */
export const levelsOf = ({ images }: Declaration): Map<string, number> => {
  const levels = new Map<string, number>();
  for (const { name, standsOn } of images) {
    levels.set(name, 1 + Math.max(0, ...standsOn.map((below) => levels.get(below) ?? 0)));
  }
  return levels;
};
