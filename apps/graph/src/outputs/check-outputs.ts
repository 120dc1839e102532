import type { OutputState } from '#libs/domain';
import type { AggregateStore } from '#libs/event-log';
import { problem, type DiagnosticChecks } from '#libs/service';
import type { GraphModel } from '../model/graph-model.js';

/** Registers the look at tags that tasks push: whether one task pushes each, and nobody else does. */
export const checkOutputs = (
  checks: DiagnosticChecks,
  { model, outputs }: { readonly model: GraphModel; readonly outputs: AggregateStore<OutputState> },
): void =>
  checks.register('outputs', 'each tag that tasks push: whether it is one task, and nobody else', () =>
    [...outputs.all({ live: true })].flatMap(([reference, { state }]) => {
      const by = [...(model.images.get(reference)?.producers ?? [])].map(({ name }) => name).sort();
      if (by.length === 0) return [];
      return [
        ...(by.length < 2
          ? []
          : [
              problem(
                'OUTPUT_SHARED',
                `${by.join(', ')} push ${reference}: it shows what the last of their runs pushed, and who stands on it waits for all of them.`,
                `let one of them push another tag: plinth task update -n ${by[1]} -t IMAGE`,
              ),
            ]),
        ...(state.foreign === null
          ? []
          : [
              problem(
                'OUTPUT_FOREIGN',
                `${reference} shows ${state.foreign}, which no run of ${by[0]} made: somebody else pushed it.`,
                `find out who did, or put the task's image back: plinth task run -n ${by[0]}`,
              ),
            ]),
      ];
    }),
  );
