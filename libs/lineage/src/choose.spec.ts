import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Digest, digestOf, parseReference } from '#libs/oci';
import { chooseBase } from './choose.js';
import { type ClaimSource, claimSources, noClaims } from './claims.js';
import type { Look } from './image-reader.js';
import { type Evidence, linkOf, proofOf } from './link.js';

const digests = (texts: string): Digest[] => texts.split('').map((text) => digestOf(Buffer.from(text)));

/** An image of these layers, a letter each. */
const seen = (texts: string, name = `manifest of ${texts}`): Look & { kind: 'Found' } => {
  const diffIds = digests(texts);
  const manifest = digestOf(Buffer.from(name));
  return {
    kind: 'Found',
    image: {
      reference: parseReference('base:1'),
      digest: manifest,
      manifest,
      platform: 'linux/amd64',
      runsOn: 'linux/amd64',
      created: null,
      layers: [],
      diffIds,
      claims: noClaims,
      attestations: [],
    },
  };
};
const gone: Look = { kind: 'Gone' };
const evidence = (source: ClaimSource, name: string, used?: Look, now: Look | undefined = used): Evidence => ({
  claim: {
    source,
    reference: parseReference(name),
    digest: used ? digestOf(Buffer.from(name)) : undefined,
    pinned: false,
  },
  used,
  now,
});
const { image } = seen('abcd', 'the image');
const chosen = (...all: Evidence[]): string | undefined => chooseBase(image, all)?.claim.reference.repository.slice(8);

describe('which claim tells what an image stands on', () => {
  it('is its annotation, when the layers agree or cannot be compared', () => {
    expect(chosen(evidence('Manifest', 'said', seen('ab')), evidence('Label', 'label', seen('abc')))).toBe('said');
    expect(chosen(evidence('Manifest', 'said', gone), evidence('Label', 'label', seen('ab')))).toBe('said');
  });

  it('is the next annotation, or what the layers prove, when they contradict the first', () => {
    const wrong = evidence('Manifest', 'wrong', seen('xy'));
    expect(chosen(wrong, evidence('Index', 'index', seen('ab')))).toBe('index');
    expect(chosen(wrong, evidence('Label', 'label', seen('ab')))).toBe('label');
  });

  it('is of several proven the one with the most layers: others are further down, or inherited', () => {
    const label = evidence('Label', 'root', seen('a'));
    const candidates = [evidence('Candidate', 'far', seen('ab')), evidence('Candidate', 'near', seen('abc'))];
    expect(chosen(label, ...candidates)).toBe('near');
  });

  it('is the annotation of a squashed image, although its layers are others', () => {
    expect(chosen(evidence('Manifest', 'said', seen('xy')), evidence('Candidate', 'guess', seen('z')))).toBe('said');
  });

  it('is a label that cannot be checked, then the only image that the build used, then nothing', () => {
    const built = evidence('Provenance', 'built', gone);
    expect(chosen(built, evidence('Label', 'label', gone))).toBe('label');
    expect(chosen(built)).toBe('built');
    expect(chosen(built, evidence('Provenance', 'frontend', gone))).toBeUndefined();
    expect(chosen(evidence('Candidate', 'guess', gone))).toBeUndefined();
    expect(chosen()).toBeUndefined();
  });

  it('is never the image itself', () => {
    expect(chosen(evidence('Candidate', 'self', seen('abcd', 'the image')))).toBeUndefined();
    expect(chosen(evidence('Candidate', 'settings', seen('abcd')))).toBe('settings');
  });

  it('is among candidates always the longest prefix, and never what is none', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 5 });
    fc.assert(
      fc.property(letters, fc.array(letters, { maxLength: 5 }), (own, bases) => {
        const top = seen(own, 'top').image;
        const all = bases.map((texts, at) => evidence('Candidate', `c${at}`, seen(texts)));
        const base = chooseBase(top, all)?.used;
        const prefixes = bases.filter((texts) => texts !== '' && own.startsWith(texts));
        const longest = Math.max(0, ...prefixes.map((texts) => texts.length));
        expect(base?.kind === 'Found' ? base.image.diffIds.length : 0).toBe(longest);
      }),
    );
  });

  it('is not changed by what is less trustworthy, when an annotation is credible', () => {
    const source = fc.constantFrom(...claimSources.slice(3));
    const look = fc.constantFrom<Look>(gone, seen('a'), seen('abc'), seen('x'));
    fc.assert(
      fc.property(fc.array(fc.tuple(source, look)), (others) => {
        const said = evidence('Manifest', 'said', seen('ab'));
        expect(chosen(said, ...others.map(([from, found], at) => evidence(from, `o${at}`, found)))).toBe('said');
      }),
    );
  });
});

describe('a link', () => {
  it('is current or moved by the manifest of the platform, not by the index', () => {
    const base = seen('ab');
    const otherIndex: Look = { kind: 'Found', image: { ...base.image, digest: digestOf(Buffer.from('other')) } };
    expect(linkOf(image, evidence('Manifest', 'base', base, otherIndex))).toMatchObject({
      state: 'Current',
      layers: 2,
    });
    expect(linkOf(image, evidence('Manifest', 'base', base, seen('ax')))).toMatchObject({ state: 'Moved', layers: 2 });
  });

  it('is judged by layers when what was used is gone', () => {
    expect(linkOf(image, evidence('Manifest', 'base', gone, seen('ab')))).toMatchObject({
      state: 'Current',
      proof: 'Prefix',
      notes: [expect.stringMatching(/by layers alone/), expect.stringMatching(/no longer in its registry/)],
    });
    expect(linkOf(image, evidence('Manifest', 'base', gone, seen('ax')))).toMatchObject({
      state: 'Moved',
      proof: 'Unseen',
      layers: null,
    });
  });

  it('without a digest is moved when layers are shared, and unknown when none are', () => {
    const named = (now: Look): Evidence => evidence('Label', 'base', undefined, now);
    expect(linkOf(image, named(seen('abc'))).state).toBe('Current');
    expect(linkOf(image, named(seen('abx'))).state).toBe('Moved');
    expect(linkOf(image, named(seen('x'))).state).toBe('Unknown');
    expect(proofOf(image, named(seen('abx')))).toBe('Unseen');
    expect(proofOf(image, named(seen('x')))).toBe('NoPrefix');
  });

  it('says when the tag is gone, is not there for the platform, or cannot be read', () => {
    const base = seen('ab');
    expect(linkOf(image, evidence('Manifest', 'base', base, gone)).state).toBe('Gone');
    expect(linkOf(image, evidence('Manifest', 'base', base, { kind: 'NoPlatform', offered: [] }))).toMatchObject({
      state: 'Unknown',
      notes: ['docker.io/library/base:latest is not there for this platform; it offers: none.'],
    });
    expect(linkOf(image, evidence('Manifest', 'base', base, { kind: 'Unreadable', why: 'no.' }))).toMatchObject({
      state: 'Unknown',
      notes: ['docker.io/library/base:latest cannot be read: no.'],
    });
  });
});
