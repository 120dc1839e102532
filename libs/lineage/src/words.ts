import type { Digest } from '#libs/oci';
import { placeOf } from './claims.js';
import type { Link } from './link.js';
import type { Lineage, PlatformLineage } from './result.js';

/** The answer in sentences, for people: the most important one first, then link by link down to the root. */
export function explainLineage({ image, platforms }: Lineage): { platform: string; sentences: string[] }[] {
  return platforms.map((platform) => ({ platform: platform.platform, sentences: explainPlatform(image, platform) }));
}

function explainPlatform(image: string, { status, created, chain, end, layers }: PlatformLineage): string[] {
  const sentences = [headline(image, status, chain)];
  sentences.push(`${image} was built ${at(created)} and has ${count(layers.length, 'layer')}.`);
  let above = image;
  for (const link of chain) {
    sentences.push(`${above} stands on ${stand(link)}.`);
    if (link.state === 'Moved') sentences.push(moved(link));
    sentences.push(...link.notes);
    above = link.reference;
  }
  if (end.text !== '') sentences.push(chain.length > 0 ? `Under ${above}: ${lower(end.text)}` : end.text);
  return sentences;
}

function headline(image: string, status: PlatformLineage['status'], chain: readonly Link[]): string {
  const [direct] = chain;
  switch (status) {
    case 'Current':
      if (!direct) return `${image} is current.`;
      return direct.state === 'Pinned'
        ? `${image} is current: it stands on ${direct.reference} by digest, which cannot move.`
        : `${image} is current: it stands on ${direct.reference} as it is now.`;
    case 'Stale':
      return `${image} is stale: ${direct?.reference} moved.`;
    case 'Behind': {
      const below = chain.find(({ state }) => state === 'Moved');
      return `${image} is behind: ${direct?.reference} is to be rebuilt first, since ${below?.reference} moved.`;
    }
    case 'Unknown':
      return direct
        ? `Whether ${image} is current cannot be told.`
        : `What ${image} stands on cannot be told, and so not whether it is current.`;
  }
}

function stand({ reference, source, digest, manifest, created, layers, proof }: Link): string {
  const told = source === 'Candidate' ? 'as its layers show' : `by ${placeOf(source)}`;
  const checked = proof === 'Prefix' && source !== 'Candidate' ? `, and its layers show it` : '';
  const which = manifest ?? digest;
  const when = created === null ? '' : `, built ${at(created)}`;
  const share = layers === null ? '' : `; ${count(layers, 'layer')} of it ${layers === 1 ? 'is' : 'are'} from there`;
  return `${reference}${which === null ? '' : ` (${short(which)})`}${when}, ${told}${checked}${share}`;
}

function moved({ reference, manifest, digest, now }: Link): string {
  const from = manifest ?? digest;
  const to = now ? short(now.manifest) : '';
  const since = now?.created ? `, built ${at(now.created)}` : '';
  return `${reference} moved ${from === null ? 'to ' : `${short(from)} → `}${to}${since}.`;
}

const at = (time: string | null): string =>
  time === null ? 'at a time that it does not say' : `on ${time.slice(0, 10)} at ${time.slice(11, 16)} UTC`;
const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? '' : 's'}`;
const lower = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);

/** The first 12 characters of the hash, by which people know a digest. */
export const short = (digest: Digest): string => digest.slice(digest.indexOf(':') + 1).slice(0, 12);
