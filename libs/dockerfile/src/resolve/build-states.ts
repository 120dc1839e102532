import type { Platform } from '#libs/oci';
import { DockerfileError, quote } from '../errors.js';
import type { Outline, Stage } from '../syntax/stages.js';
import { expandAt } from './args.js';
import type { Binding } from './bind.js';
import { bind } from './bind.js';
import type { Settings } from './options.js';
import { platformOf } from './options.js';
import { findStageContext } from './contexts.js';
import type { State } from './states.js';
import { States } from './states.js';

/**
 * The states of all stages for one target platform, with what their commands use. Stages are named before commands are
 * looked at, so a COPY may name a later stage (which is then an error, but only where the build would come to it).
 * @throws DockerfileError
 */
export function buildStates(
  { stages }: Outline,
  scope: ReadonlyMap<string, string>,
  settings: Settings,
  targetPlatform: Platform,
  { escape, budget }: Pick<Binding, 'escape' | 'budget'>,
): Binding {
  const binding: Binding = { states: new States(), escape, budget };
  for (const stage of stages) binding.states.add(stageState(stage, scope, settings, targetPlatform, binding));
  const named = [...binding.states.all];
  for (const state of named) {
    state.commands = (state.stage?.commands ?? []).map((command) => bind(command, binding, false));
  }
  return binding;
}

function stageState(
  stage: Stage,
  scope: ReadonlyMap<string, string>,
  { contexts, buildPlatform }: Settings,
  targetPlatform: Platform,
  { escape, budget }: Pick<Binding, 'escape' | 'budget'>,
): State {
  const { line } = stage;
  const { word: baseName, unset } = expandAt(line, stage.base, scope, escape, budget);
  if (baseName === '') throw blank(line, 'BLANK_BASE', `FROM ${stage.base}`, unset);
  let platform: Platform | undefined;
  if (stage.platform !== '') {
    const expanded = expandAt(line, stage.platform, scope, escape, budget);
    if (expanded.word === '')
      throw blank(line, 'INVALID_PLATFORM', `FROM --platform=${stage.platform}`, expanded.unset);
    // A system without an architecture is that of the machine that builds (containerd/platforms, Parse).
    platform = platformOf(expanded.word, line, buildPlatform.architecture);
  }
  return {
    stage,
    baseName,
    line,
    platform,
    replacement: findStageContext(contexts, stage.name, platform ?? targetPlatform),
    base: undefined,
    commands: [],
    source: undefined,
  };
}

function blank(
  line: number,
  code: 'BLANK_BASE' | 'INVALID_PLATFORM',
  written: string,
  unset: ReadonlySet<string>,
): DockerfileError {
  const [name] = unset;
  const advice = name
    ? `give ARG ${name} a default before the first FROM, or pass the build argument ${name}`
    : 'write what is meant';
  return new DockerfileError(code, line, `${quote(written)} expands to nothing; ${advice}`);
}
