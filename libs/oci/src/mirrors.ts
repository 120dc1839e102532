import type { Repository } from './operations.js';
import { parseReference } from './reference.js';

/** A registry that has the images of another one, or of a part of it. */
export interface Mirror {
  /** What it mirrors: a registry, `docker.io`, or what names begin with there, `docker.io/library`. */
  readonly of: string;
  /** Its host, as in references. */
  readonly registry: string;
  /** What stands at the mirror in place of the path of `of`; the same path unless said, as pull-through caches have it. */
  readonly path?: string;
}

interface Rule {
  readonly from: Repository;
  readonly to: Repository;
}

/**
 * Translates names between a registry and its mirrors. Where several mirrors fit, the one for the longest name counts, and
 * of these the first.
 */
export class Mirrors {
  private readonly rules: readonly Rule[];
  private readonly beginnings: readonly string[];

  /** @throws InvalidReferenceError when something that is mirrored cannot be the beginning of a name */
  constructor(mirrors: Iterable<Mirror>) {
    this.rules = [...mirrors]
      .map(({ of, registry, path }): Rule => {
        const from = beginning(of);
        return { from, to: { registry, repository: path ?? from.repository } };
      })
      .sort((a, b) => b.from.repository.length - a.from.repository.length);
    this.beginnings = this.rules.map(({ from: { registry, repository } }) =>
      repository === '' ? `${registry}/` : `${registry}/${repository}/`,
    );
  }

  /** Whether a canonical reference is at a mirror: a quick look at how it begins, for many of them. */
  has(reference: string): boolean {
    return this.beginnings.some((beginning) => reference.startsWith(beginning));
  }

  /** The repository at the mirror; undefined when no mirror has it. */
  at(repository: Repository): Repository | undefined {
    for (const { from, to } of this.rules) {
      const found = translated(repository, from, to);
      if (found) return found;
    }
    return undefined;
  }

  /** The repositories that this one of a mirror stands for. */
  behind(repository: Repository): Repository[] {
    return this.rules.flatMap(({ from, to }) => {
      const found = translated(repository, to, from);
      // A name that another rule leads elsewhere is not served from here.
      const back = found && this.at(found);
      return found && back?.registry === repository.registry && back.repository === repository.repository
        ? [found]
        : [];
    });
  }
}

/**
 * Registry and path of what is mirrored, canonical: `index.docker.io` is `docker.io`.
 * @throws InvalidReferenceError
 */
export function beginning(of: string): Repository {
  // Two parts more, so that Docker's rule for names of one part does not apply.
  const { registry, repository } = parseReference(`${of}/x/x`);
  return { registry, repository: repository === 'x/x' ? '' : repository.slice(0, -'/x/x'.length) };
}

function translated(name: Repository, from: Repository, to: Repository): Repository | undefined {
  if (name.registry !== from.registry) return undefined;
  const whole = from.repository === '';
  if (!whole && !name.repository.startsWith(`${from.repository}/`)) return undefined;
  const rest = whole ? name.repository : name.repository.slice(from.repository.length + 1);
  return { registry: to.registry, repository: to.repository === '' ? rest : `${to.repository}/${rest}` };
}
