import { setImmediate as otherWork } from 'node:timers/promises';
import type { Platform } from '#libs/oci';
import { platformKey } from '#libs/oci';
import { DockerfileError, isDockerfileError, quote } from '../errors.js';
import { Budget } from '../expand/index.js';
import { checkSize } from '../syntax/lines.js';
import type { ParsedFile } from '../syntax/parser.js';
import { parse } from '../syntax/parser.js';
import type { Outline } from '../syntax/stages.js';
import { outline } from '../syntax/stages.js';
import { globalScope } from './args.js';
import { buildStates } from './build-states.js';
import type { Findings } from './collect.js';
import { baseReference, collect, rootOf } from './collect.js';
import type { Feature } from './features.js';
import { featuresOf } from './features.js';
import { addFrontend, frontendOf } from './frontend.js';
import type { ResolveOptions, Settings } from './options.js';
import { readOptions } from './options.js';
import { checkCircles, checkOrder } from './order.js';
import type { TriggerReader } from './reach.js';
import { reach } from './reach.js';
import type { Resolution } from './result.js';
import { Merger } from './result.js';
import type { State, States } from './states.js';
import { checkTriggers } from './triggers.js';

/**
 * Finds every image that a build of this Dockerfile uses, by BuildKit's own rules, see the README.
 * Nothing is fetched, except what `onBuild` fetches.
 * @throws DockerfileError when BuildKit would refuse the file, or when it is beyond the limits
 */
export async function resolveDockerfile(text: string, options: ResolveOptions = {}): Promise<Resolution> {
  checkSize(text);
  const settings = readOptions(options);
  const findings: Findings = { images: new Merger(), unknown: new Merger() };
  const features = new Set<Feature>();
  const frontend = frontendOf(text, settings);
  if (frontend) {
    addFrontend(findings, frontend, settings);
    features.add('syntax');
  }
  let file: ParsedFile;
  let stages: Outline;
  try {
    file = parse(text);
    stages = outline(file);
  } catch (error) {
    // Not ours to judge: the frontend may read another language altogether.
    if (frontend?.foreign && isDockerfileError(error)) return resolution(findings, features, settings);
    throw error;
  }
  for (const feature of featuresOf(file, stages)) features.add(feature);

  const baseOf: Record<string, string | null> = {};
  let target: State | undefined;
  const readTriggers = triggerReader(settings);
  const budget = new Budget();
  for (const platform of settings.platforms) {
    // The largest file takes a while: whatever else this process does gets its turn between platforms.
    if (target) await otherWork();
    const { escape } = file;
    const scope = globalScope(stages, settings, platform, escape, budget);
    const binding = buildStates(stages, scope, settings, platform, { escape, budget });
    target = targetOf(binding.states, settings.target, stages);
    checkCircles(binding.states.all);
    const reached = await reach(target, binding, settings, platform, readTriggers);
    checkOrder(binding.states.all, reached.reachable);
    collect(binding.states.all, target, reached, findings);
    baseOf[platformKey(platform)] = baseReference(rootOf(target));
    if (usesContext(reached.reachable, settings)) features.add('named-context');
    if ([...reached.reachable].some((state) => state.commands.some(({ triggered }) => triggered)))
      features.add('onbuild');
  }
  return { ...resolution(findings, features, settings), target: { stage: target?.stage?.name || null }, baseOf };
}

function resolution(findings: Findings, features: ReadonlySet<Feature>, { platforms }: Settings): Resolution {
  return {
    images: findings.images.list(),
    unknown: findings.unknown.list(),
    target: { stage: null },
    baseOf: Object.fromEntries(platforms.map((platform: Platform) => [platformKey(platform), null])),
    features: [...features].sort(),
  };
}

function targetOf(states: States, name: string | undefined, { stages }: Outline): State {
  const target = name === undefined ? states.all[stages.length - 1] : states.find(name);
  if (target?.stage) return target;
  const names = states.names();
  const offer = names.length > 0 ? `its named stages are ${names.slice(0, 20).join(', ')}` : 'no stage has a name';
  throw new DockerfileError('UNKNOWN_TARGET', 0, `there is no stage ${quote(name ?? '')} to build; ${offer}`);
}

function triggerReader({ onBuild }: Settings): TriggerReader {
  const asked = new Map<string, Promise<readonly string[] | undefined>>();
  return async (reference, platform) => {
    if (!onBuild) return undefined;
    const key = `${platform} ${reference}`;
    let answer = asked.get(key);
    if (!answer) asked.set(key, (answer = onBuild(reference, platform)));
    const triggers = await answer;
    if (triggers) checkTriggers(triggers, reference);
    return triggers;
  };
}

function usesContext(reachable: ReadonlySet<State>, { contexts }: Settings): boolean {
  if (contexts.size === 0) return false;
  return [...reachable].some(
    ({ replacement, source }) =>
      replacement !== undefined || source?.kind === 'files' || (source?.kind === 'image' && source.viaContext),
  );
}
