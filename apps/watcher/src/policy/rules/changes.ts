import type { Question } from './rule.js';

/** What a digest changes for dependants, platform by platform. */
export interface Changes {
  readonly moved: readonly string[];
  readonly same: readonly string[];
  /** Adopted, and not there. */
  readonly missing: readonly string[];
}

/** Only the platforms that dependants build, and that the adopted digest has, are compared. */
export const changesOf = ({ tag, found, wanted }: Pick<Question, 'tag' | 'found' | 'wanted'>): Changes => {
  const before = tag.adopted?.platforms ?? {};
  const compared = wanted.filter((platform) => platform in before);
  return {
    moved: compared.filter((platform) => platform in found.platforms && found.platforms[platform] !== before[platform]),
    same: compared.filter((platform) => found.platforms[platform] === before[platform]),
    missing: compared.filter((platform) => !(platform in found.platforms)),
  };
};
