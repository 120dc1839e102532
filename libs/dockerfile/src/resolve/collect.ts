import type { Reference } from '#libs/oci';
import { formatReference, isPinned, platformKey } from '#libs/oci';
import type { Reach } from './reach.js';
import type { ImageUse, Merger, Role, UnknownImage, Via } from './result.js';
import type { BoundCommand, Source, State, Use } from './states.js';

export interface Findings {
  readonly images: Merger<Omit<ImageUse, 'platforms'>>;
  readonly unknown: Merger<Omit<UnknownImage, 'platforms'>>;
}

/** Turns the reachable states of one target platform into entries, in the order of the file. */
export function collect(states: readonly State[], target: State, reach: Reach, findings: Findings): void {
  const root = rootOf(target);
  for (const state of states) {
    if (!state.stage || !reach.reachable.has(state)) continue;
    const stage = state.stage.name || null;
    if (state.source) {
      const written = state.stage.base;
      addSource(findings, state.source, { role: state === root ? 'base' : 'build', stage, line: state.line, written });
      if (reach.untold.has(state)) addUntold(findings, state.source, stage, state.line);
    }
    if (state.replacement) continue;
    for (const command of state.commands) for (const use of command.uses) addUse(findings, command, use, stage);
  }
}

/** What the target stands on at last: the stage at the foot of its chain of FROMs. */
export function rootOf(state: State): State {
  let root = state;
  while (root.base) root = root.base;
  return root;
}

/** For {@link Resolution.baseOf}. */
export function baseReference({ source }: State): string | null {
  if (source?.kind === 'image') return formatReference(source.reference);
  return source?.kind === 'scratch' || source?.kind === 'files' ? 'scratch' : null;
}

interface Place {
  readonly role: Role;
  readonly stage: string | null;
  readonly line: number;
  readonly written: string;
  readonly triggered?: boolean;
}

function addUse(findings: Findings, { command, triggered }: BoundCommand, use: Use, stage: string | null): void {
  // A stage that is used is itself reachable, and says what it is made of.
  if (use.hollow || use.state.stage || !use.state.source) return;
  const { role, written } = use;
  addSource(findings, use.state.source, { role, stage, line: command.line, written, triggered });
}

function addSource(findings: Findings, source: Source, place: Place): void {
  switch (source.kind) {
    case 'image': {
      const via: Via = source.viaContext ? 'context' : place.triggered ? 'onbuild' : 'direct';
      addImage(findings, source.reference, platformKey(source.platform), { ...place, via });
      return;
    }
    case 'oci-layout':
    case 'input': {
      const { role, stage, line, written } = place;
      const origin = source.kind === 'input' ? 'another build' : 'an OCI layout';
      findings.unknown.add([source.kind, source.value, role, stage], platformKey(source.platform), {
        kind: source.kind,
        reference: source.value,
        stage,
        line,
        message: `${written} is replaced by ${source.value}, which comes from ${origin}: no registry can say when it moves`,
      });
      return;
    }
    case 'scratch':
    case 'files':
  }
}

/** Adds an image, or another platform of one that is there. */
export function addImage(
  { images }: Findings,
  reference: Reference,
  platform: string,
  { role, via, stage, line, written }: Omit<Place, 'triggered'> & { via: Via },
): void {
  const text = formatReference(reference);
  images.add([text, role, via, stage], platform, {
    reference: text,
    role,
    via,
    stage,
    line,
    pinned: isPinned(reference),
    written,
  });
}

function addUntold({ unknown }: Findings, source: Source, stage: string | null, line: number): void {
  if (source.kind !== 'image') return;
  const reference = formatReference(source.reference);
  unknown.add(['onbuild', reference, stage], platformKey(source.platform), {
    kind: 'onbuild',
    reference,
    stage,
    line,
    message: `the ONBUILD triggers of ${reference} were not read: images that they bring in are missing here`,
  });
}
