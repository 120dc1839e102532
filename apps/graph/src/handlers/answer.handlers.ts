import { Injectable } from '@nestjs/common';
import type { Input, Output } from '#libs/contracts';
import { containing, containsText } from '../answers/contains.js';
import { currentOf, currentText } from '../answers/current.js';
import { impactOf, impactText } from '../answers/impact.js';
import { GraphService } from '../graph.service.js';
import { page, referencesOf } from './questions.js';

@Injectable()
export class AnswerHandlers {
  constructor(private readonly graph: GraphService) {}

  getImpact(input: Input<'getImpact'>): Promise<Output<'getImpact'>> {
    const slots = this.graph.builders.slots();
    return this.graph.ask(input.asOf, (view) => {
      const references = referencesOf(view, input);
      const impact = impactOf(view.projection.model, references, slots);
      const { items, nextPageToken } = page(impact.tasks, input);
      return {
        ...impact,
        text: impactText(references, impact, slots),
        references,
        slots: [...slots].map(([pool, count]) => ({ pool, slots: count })),
        tasks: items,
        position: view.position,
        nextPageToken,
      };
    });
  }

  getCurrent(input: Input<'getCurrent'>): Promise<Output<'getCurrent'>> {
    return this.graph.ask(input.asOf, ({ projection, now, position }) => {
      const current = currentOf(projection.model, now, input);
      const { items, nextPageToken } = page(current.images, input);
      return { ...current, text: currentText(current, now), images: items, position, nextPageToken };
    });
  }

  listContaining(input: Input<'listContaining'>): Promise<Output<'listContaining'>> {
    return this.graph.ask(input.asOf, ({ projection, position }) => {
      const { digest } = input;
      const found = containing(projection.pushes, digest);
      const standing = found.filter((image) => image.standing);
      const { items, nextPageToken } = page(input.all ? found : standing, input);
      const counts = { standing: standing.length, ever: found.length };
      const references = projection.model.referencesOf(digest);
      return {
        text: containsText(digest, references, counts),
        references,
        ...counts,
        images: items,
        position,
        nextPageToken,
      };
    });
  }
}
