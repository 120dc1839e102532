/** Which Debian mirror this machine uses, from apt's own configuration. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const defaultMirror = 'http://deb.debian.org/debian';

/** The mirrors to try, the host's own first, Debian's default last; without duplicates. */
export function debianMirrors(etc = '/etc/apt') {
  const found = [];
  for (const { file, text } of sourceFiles(etc)) {
    found.push(...(file.endsWith('.sources') ? inDeb822(text) : inList(text)));
  }
  return [...new Set([...found, defaultMirror])];
}

function sourceFiles(etc) {
  const files = [join(etc, 'sources.list')];
  const parts = join(etc, 'sources.list.d');
  for (const name of list(parts)) {
    if (/\.(list|sources)$/.test(name)) files.push(join(parts, name));
  }
  return files.flatMap((file) => {
    const text = read(file);
    return text === undefined ? [] : [{ file, text }];
  });
}

/** `deb [options] URI suite components`, one a line. */
export function inList(text) {
  return text.split('\n').flatMap((line) => {
    const match = /^\s*deb\s+(?:\[[^\]]*\]\s*)?(\S+)\s+(\S+)/.exec(line);
    return match !== null && isMainArchive(match[1], match[2]) ? [withoutSlash(match[1])] : [];
  });
}

/** Paragraphs of `Field: value`, continued on indented lines. */
export function inDeb822(text) {
  const withoutComments = text.replace(/^#.*\n?/gm, '');
  return withoutComments.split(/\n\s*\n/).flatMap((paragraph) => {
    const field = (name) =>
      new RegExp(`^${name}:((?:.*)(?:\\n[ \\t]+.*)*)`, 'im').exec(paragraph)?.[1]?.trim().split(/\s+/) ?? [];
    if (/^(no|false|off|0)$/i.test(field('Enabled')[0] ?? '') || !field('Types').includes('deb')) return [];
    return field('URIs')
      .filter((uri) => field('Suites').some((suite) => isMainArchive(uri, suite)))
      .map(withoutSlash);
  });
}

const withoutSlash = (uri) => uri.replace(/\/+$/, '');

/** The archive proper, not security, backports of a vendor, or another project's packages. */
function isMainArchive(uri, suite) {
  return (
    /^https?:\/\//.test(uri) &&
    /\/debian\/?$/.test(uri) &&
    /^(bullseye|bookworm|trixie|forky|sid|oldstable|stable|testing|unstable)(-updates)?$/.test(suite)
  );
}

function list(folder) {
  try {
    return readdirSync(folder).sort();
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'EACCES') return [];
    throw error;
  }
}

function read(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'EACCES') return undefined;
    throw error;
  }
}
