import type { Instruction, ParsedFile } from '../syntax/parser.js';
import type { Outline } from '../syntax/stages.js';

/** What an engine must understand to read the file and build it; an older one fails on these or ignores them. */
export type Feature =
  | 'syntax'
  | 'heredoc'
  | 'multi-stage'
  | 'platform'
  | 'copy-from'
  | 'copy-link'
  | 'copy-parents'
  | 'exclude'
  | 'add-remote'
  | 'add-checksum'
  | 'run-mount'
  | 'run-network'
  | 'run-security'
  | 'run-device'
  | 'onbuild'
  | 'named-context';

const BY_FLAG: Readonly<Record<string, Feature>> = {
  'from --platform': 'platform',
  'copy --from': 'copy-from',
  'copy --link': 'copy-link',
  'add --link': 'copy-link',
  'copy --parents': 'copy-parents',
  'copy --exclude': 'exclude',
  'add --exclude': 'exclude',
  'add --checksum': 'add-checksum',
  'run --mount': 'run-mount',
  'run --network': 'run-network',
  'run --security': 'run-security',
  'run --device': 'run-device',
};

const REMOTE = /(?:^|[\s"[,])(?:https?:\/\/|git:\/\/|git@|ssh:\/\/)/;

/** Of the whole file, not of the reachable stages alone: an engine parses all of it. */
export function featuresOf({ instructions }: ParsedFile, { stages }: Outline): Set<Feature> {
  const features = new Set<Feature>();
  if (stages.length > 1) features.add('multi-stage');
  for (const instruction of instructions) {
    addFeatures(instruction, features);
    if (instruction.trigger) {
      features.add('onbuild');
      addFeatures(instruction.trigger, features);
    }
  }
  return features;
}

function addFeatures({ keyword, flags, rest, hasHeredoc }: Instruction, features: Set<Feature>): void {
  if (hasHeredoc) features.add('heredoc');
  for (const flag of flags) {
    const feature = BY_FLAG[`${keyword} ${flag.split('=', 1)[0]}`];
    if (feature) features.add(feature);
  }
  if (keyword === 'add' && REMOTE.test(rest)) features.add('add-remote');
}
