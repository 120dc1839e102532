import type { Platform } from '#libs/oci';
import { formatReference, parseReference, platformKey } from '#libs/oci';
import { DockerfileError } from '../errors.js';
import { MAX_IMAGES } from '../limits.js';
import type { Binding } from './bind.js';
import { bind } from './bind.js';
import type { Context } from './contexts.js';
import { findContext } from './contexts.js';
import type { Settings } from './options.js';
import type { Source, State } from './states.js';
import { SCRATCH } from './states.js';
import { parseTrigger } from './triggers.js';

/** Reads triggers once per image and platform, for all stages; undefined when they are not known. */
export type TriggerReader = (reference: string, platform: string) => Promise<readonly string[] | undefined>;

export interface Reach {
  readonly reachable: ReadonlySet<State>;
  /** States FROM an image whose ONBUILD triggers are not known. */
  readonly untold: ReadonlySet<State>;
}

/**
 * Follows FROM, COPY --from and mounts from the target, adding what ONBUILD triggers bring in, until nothing is new.
 * BuildKit repeats over all stages until no trigger adds a dependency; since a stage's triggers depend on its base
 * alone, visiting each state once gives the same and stays linear.
 * @throws DockerfileError
 */
export async function reach(
  target: State,
  binding: Binding,
  settings: Settings,
  targetPlatform: Platform,
  readTriggers: TriggerReader,
): Promise<Reach> {
  const { states } = binding;
  checkNames(states.all);
  const reachable = new Set<State>();
  const untold = new Set<State>();
  const images = new Set<string>();
  let wave = [target];
  while (wave.length > 0) {
    const fresh = wave.filter((state) => !reachable.has(state) && reachable.add(state));
    for (const state of fresh) {
      if (!state.base) state.source = sourceOf(state, settings, targetPlatform);
      if (state.source?.kind === 'image') images.add(formatReference(state.source.reference));
    }
    if (images.size > MAX_IMAGES) {
      throw new DockerfileError('TOO_MANY_IMAGES', 0, `it uses more than ${MAX_IMAGES} images; split it`);
    }
    const known = states.all.length;
    // Asked for together, taken in order: the result must not depend on which answer comes first.
    const told = await Promise.all(fresh.map((state) => triggersOf(state, readTriggers)));
    for (const [i, state] of fresh.entries()) {
      const triggers = told[i];
      if (!triggers) untold.add(state);
      else if (triggers.length > 0) prepend(state, triggers, binding);
    }
    checkNames(states.all.slice(known));
    wave = fresh.flatMap(next);
  }
  return { reachable, untold };
}

/** A replaced stage runs nothing, so it needs nothing. */
function next(state: State): State[] {
  if (state.replacement) return [];
  const used = state.commands.flatMap(({ uses }) => uses.filter(({ hollow }) => !hollow).map((use) => use.state));
  return state.base ? [state.base, ...used] : used;
}

/** Names that are no references are errors even where the build does not come. @throws INVALID_REFERENCE */
function checkNames(states: readonly State[]): void {
  const valid = new Set<string>();
  for (const { base, baseName, line, replacement } of states) {
    if (base || valid.has(baseName) || (baseName === SCRATCH && !replacement)) continue;
    try {
      parseReference(baseName);
    } catch (error) {
      throw new DockerfileError('INVALID_REFERENCE', line, (error as Error).message);
    }
    valid.add(baseName);
  }
}

function sourceOf(state: State, { contexts }: Settings, targetPlatform: Platform): Source {
  const platform = state.platform ?? targetPlatform;
  if (state.replacement) return contextSource(state.replacement, platform);
  if (state.baseName === SCRATCH) return { kind: 'scratch' };
  const context = findContext(contexts, state.baseName, platform);
  if (context) return contextSource(context, platform);
  return { kind: 'image', reference: parseReference(state.baseName), platform, viaContext: false };
}

function contextSource(context: Context, platform: Platform): Source {
  switch (context.kind) {
    case 'image':
      return { kind: 'image', reference: context.reference, platform, viaContext: true };
    case 'oci-layout':
    case 'input':
      return { kind: context.kind, value: context.value, platform };
    case 'scratch':
    case 'files':
      return { kind: context.kind };
  }
}

/** Of a stage's base: an image's configuration, or the ONBUILD instructions of the local stage. */
async function triggersOf(state: State, readTriggers: TriggerReader): Promise<readonly string[] | undefined> {
  // What is only copied from or mounted, and what a context replaced whole, runs no instruction.
  if (!state.stage || state.replacement) return [];
  if (state.base) {
    return state.base.commands.flatMap(({ command }) => (command.kind === 'onbuild' ? [command.source] : []));
  }
  if (state.source?.kind === 'oci-layout' || state.source?.kind === 'input') return undefined;
  if (state.source?.kind !== 'image') return [];
  return readTriggers(formatReference(state.source.reference), platformKey(state.source.platform));
}

function prepend(state: State, triggers: readonly string[], binding: Binding): void {
  const commands = triggers.flatMap((text) => {
    const command = parseTrigger(text, state.line);
    return command ? [bind(command, binding, true)] : [];
  });
  state.commands = [...commands, ...state.commands];
}
