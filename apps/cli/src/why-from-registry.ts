import { exitCodes } from '#libs/contracts/light';
import { type LineageStatus, lineageOf } from '#libs/lineage';
import { imageReference, openRegistries, registryProblem } from './registries.js';
import type { RegistryOptions } from './registry-options.js';
import type { Session } from './session.js';
import { lineageLines } from './views/lineage.js';

export interface RegistryQuestion extends RegistryOptions {
  readonly candidate?: readonly string[];
  readonly platform?: readonly string[];
}

const exitOf: Readonly<Record<LineageStatus, number>> = {
  Current: exitCodes.ok,
  Stale: exitCodes.findings,
  Behind: exitCodes.findings,
  Unknown: exitCodes.failure,
};

/**
 * What an image stands on and whether that moved, by reading its registry alone.
 *
 * @returns 0 current, 6 stale or behind, 1 when it cannot be told
 */
export const whyFromRegistry = async (session: Session, image: string, asked: RegistryQuestion): Promise<number> => {
  const { printer, io } = session;
  try {
    const reference = imageReference(image, 'The image');
    const candidates = (asked.candidate ?? []).map((text) => imageReference(text, '--candidate'));
    const named = [reference, ...candidates].map(({ registry }) => registry);
    const registries = await openRegistries(session, asked, named);
    try {
      const platforms = asked.platform ?? [];
      const lineage = await lineageOf(registries, reference, { candidates, platforms, signal: io.interrupted });
      if (printer.format === 'table' || printer.format === 'wide') {
        printer.lines(lineageLines(lineage, { colour: printer.colour, wide: printer.format === 'wide' }));
      } else {
        await printer.show({ item: lineage, name: lineage.image, fields: [] });
      }
      const hidden = lineage.platforms.flatMap(({ chain }) => chain.flatMap(({ notes }) => notes));
      if (hidden.some((note) => note.includes('is not a public address'))) {
        printer.note('Next: --allow-registry HOST reads a registry that has a private address');
      }
      return exitOf[lineage.status];
    } finally {
      await registries.close();
    }
  } catch (error) {
    throw registryProblem(error);
  }
};
