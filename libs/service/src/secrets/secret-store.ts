import { readFile, realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import { PlinthError } from '#libs/contracts';
import type { KvBucket } from '../kv.js';
import type { Redactor } from '../redactor.js';
import { readKeyFile, type KeyRing } from './key-file.js';
import { seal, unseal, type Sealed } from './sealing.js';

export interface SecretInfo {
  readonly name: string;
  /** Newest version. */
  readonly version: number;
  /** When that version was stored, RFC 3339. */
  readonly createdAt: string;
  readonly team: string;
  /** Tasks of every team may use it; else only those of its own team. */
  readonly shared: boolean;
}

/** Whose a secret is; what is absent stays as it was, and is `default` and not shared at first. */
export interface SecretOwner {
  readonly team?: string | undefined;
  readonly shared?: boolean | undefined;
  /** Throws for a team whose secret the caller may not change: that may be known only now. */
  readonly requireOwn?: ((team: string) => void) | undefined;
}

export interface SecretStoreOptions {
  readonly bucket: KvBucket;
  readonly keyFile: string;
  readonly redactor: Redactor;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Folders below which `file:` may read; any when absent. Who writes a task must not read the service's files. */
  readonly folders?: readonly string[];
  /** Variables that `env:` may read, besides `PLINTH_SECRET_…`; any but Plinth's own when absent. */
  readonly variables?: readonly string[];
  readonly now?: () => Date;
}

/** The newest version of a name; it outlives deletion, so that a version number never means two values. */
interface Head extends SecretInfo {
  readonly deleted?: true;
}

/** `name`, `name@version` of a stored secret; `undefined` for `env:…` and `file:…`, which the operator lists. */
export const storedNameOf = (ref: string): string | undefined =>
  /^(?:env|file):/.test(ref) ? undefined : /^([^@]+?)(?:@[0-9]{1,9})?$/.exec(ref)?.[1];

/** The stored secrets among what is named, each once. */
export const storedNamesOf = (named: readonly { readonly secretRef: string }[]): string[] => [
  ...new Set(named.flatMap(({ secretRef }) => storedNameOf(secretRef) ?? [])),
];

/** What is known of the stored secrets that are named, by name; those that are not there are left out. */
export const storedSecrets = async (
  secrets: Pick<SecretStore, 'info'>,
  named: readonly { readonly secretRef: string }[],
): Promise<ReadonlyMap<string, SecretInfo>> => {
  const found = new Map<string, SecretInfo>();
  for (const name of storedNamesOf(named)) {
    const info = await secrets.info(name);
    if (info) found.set(name, info);
  }
  return found;
};

/** Secrets of Plinth itself: nobody can name, list or remove them. A name that people give never begins with it. */
export const ownPrefix = '~';

/** Names may have characters that keys of a bucket may not. */
const headKey = (name: string): string => Buffer.from(name, 'utf8').toString('base64url');
const versionKey = (name: string, version: number): string => `${headKey(name)}.${version}`;
/** A path without links; what is not there is where it would be. */
const whereIs = (path: string): Promise<string> => realpath(path).catch(() => resolve(path));
const encode = (value: object): Uint8Array => Buffer.from(JSON.stringify(value), 'utf8');
const decode = <T>(value: Uint8Array): T => JSON.parse(Buffer.from(value).toString('utf8')) as T;

const infoOf = ({ name, version, createdAt, team, shared }: Head): SecretInfo => ({
  name,
  version,
  createdAt,
  team,
  shared,
});

/**
 * Secrets, sealed with AES-256-GCM under a key from the key file: the bucket alone is worth nothing. Every value that
 * was opened is taken out of logs from then on.
 */
export class SecretStore {
  private constructor(
    private readonly options: SecretStoreOptions,
    private ring: KeyRing,
  ) {}

  /** @throws KeyFileError when the key file cannot be used */
  static async open(options: SecretStoreOptions): Promise<SecretStore> {
    return new SecretStore(options, await readKeyFile(options.keyFile));
  }

  /**
   * Stores a new version. A secret stays with the team that first stored it.
   * @throws PlinthError FAILED_PRECONDITION when the key file cannot be used; what `requireOwn` throws
   */
  async set(name: string, value: string, owner: SecretOwner = {}): Promise<SecretInfo> {
    const { bucket } = this.options;
    this.options.redactor.add(value);
    // With the first key as the file has it now: one that was replaced must not seal anything more.
    await this.#readKeys();
    for (;;) {
      const found = await bucket.get(headKey(name));
      const head = found && decode<Head>(found.value);
      const version = (head?.version ?? 0) + 1;
      const before = head?.deleted ? undefined : head;
      if (before) owner.requireOwn?.(before.team);
      const info: SecretInfo = {
        name,
        version,
        createdAt: (this.options.now?.() ?? new Date()).toISOString(),
        team: before?.team ?? owner.team ?? 'default',
        shared: owner.shared ?? before?.shared ?? false,
      };
      const key = versionKey(name, version);
      const sealed = (): Uint8Array => encode(seal(this.ring, `${name}@${version}`, value));
      const isBehind = async (): Promise<boolean> => (await bucket.get(headKey(name)))?.revision !== found?.revision;
      const left = await bucket.get(key);
      // What is left there may be of somebody who has stored this version since we looked.
      if (await isBehind()) continue;
      try {
        // The value first: a head never names a version that is not there. What a crash leaves is written over.
        if (left) await bucket.update(key, sealed(), left.revision);
        else await bucket.create(key, sealed());
      } catch (error) {
        if ((await bucket.get(key))?.revision === left?.revision) throw error;
        continue;
      }
      try {
        if (found) await bucket.update(headKey(name), encode(info), found.revision);
        else await bucket.create(headKey(name), encode(info));
      } catch (error) {
        if (!(await isBehind())) throw error;
        continue;
      }
      // Somebody who stored the same version at once may have written a value before we had the head, and cannot any more.
      await bucket.put(key, sealed());
      return info;
    }
  }

  /** Names and newest versions, sorted; never values. */
  async list(): Promise<SecretInfo[]> {
    const entries = await this.options.bucket.entries();
    return entries
      .filter(({ key }) => !key.includes('.'))
      .map(({ value }) => decode<Head>(value))
      .filter((head) => !head.deleted && !head.name.startsWith(ownPrefix))
      .map(infoOf)
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** What is known of a secret, without its value; undefined when there is none of this name. */
  async info(name: string): Promise<SecretInfo | undefined> {
    const found = await this.options.bucket.get(headKey(name));
    const head = found && decode<Head>(found.value);
    return head && !head.deleted ? infoOf(head) : undefined;
  }

  /** Removes all versions. @throws PlinthError NOT_FOUND */
  async delete(name: string): Promise<void> {
    const { bucket } = this.options;
    const found = await bucket.get(headKey(name));
    const head = found && decode<Head>(found.value);
    if (!found || !head || head.deleted) throw new PlinthError('NOT_FOUND', `There is no secret "${name}".`);
    await bucket.update(headKey(name), encode({ ...head, deleted: true }), found.revision);
    for (let version = 1; version <= head.version; version++) await bucket.delete(versionKey(name, version));
  }

  /**
   * The value of `name`, `name@version`, `env:NAME` or `file:/path`. Variables and files of Plinth itself are not
   * opened: who may write a task must not read them. With `team` a stored secret is opened for that team alone, or when
   * it is shared; without, for the installation.
   *
   * @throws PlinthError NOT_FOUND when it is not there, PERMISSION_DENIED when it is another team's,
   *   FAILED_PRECONDITION when it cannot be opened
   */
  async open(ref: string, team?: string): Promise<string> {
    const value = await this.#value(ref, team);
    this.options.redactor.add(value);
    return value;
  }

  /**
   * Reads the key file again, and seals with its first key what was sealed with another one: the second step of a
   * rotation. Broken off, it may be repeated.
   *
   * @throws PlinthError FAILED_PRECONDITION when the key file cannot be used, or a secret cannot be opened with it
   */
  async reseal(): Promise<{ key: string; resealed: number }> {
    const { bucket } = this.options;
    await this.#readKeys();
    let resealed = 0;
    const heads = (await bucket.entries()).filter(({ key }) => !key.includes('.'));
    for (const { name, version: newest } of heads.map(({ value }) => decode<Head>(value))) {
      for (let version = 1; version <= newest; version++) {
        const entry = await bucket.get(versionKey(name, version));
        if (!entry) continue;
        const sealed = decode<Sealed>(entry.value);
        if (sealed.key === this.ring.current.id) continue;
        const about = `${name}@${version}`;
        const value = await this.#unseal(about, sealed);
        await bucket.update(versionKey(name, version), encode(seal(this.ring, about, value)), entry.revision);
        resealed++;
      }
    }
    return { key: this.ring.current.id, resealed };
  }

  async #readKeys(): Promise<void> {
    try {
      this.ring = await readKeyFile(this.options.keyFile);
    } catch (error) {
      throw new PlinthError('FAILED_PRECONDITION', (error as Error).message, [], { cause: error });
    }
  }

  /** A key that is not known here may be new in the file: a rotation needs no restart. */
  async #unseal(about: string, sealed: Sealed): Promise<string> {
    if (!this.ring.keys.has(sealed.key)) await this.#readKeys();
    try {
      return unseal(this.ring, about, sealed);
    } catch (error) {
      throw new PlinthError(
        'FAILED_PRECONDITION',
        `The secret "${about}" cannot be opened. ${(error as Error).message}`,
      );
    }
  }

  async #value(ref: string, team?: string): Promise<string> {
    if (ref.startsWith('env:')) return this.#variable(ref.slice('env:'.length));
    if (ref.startsWith('file:')) return this.#file(ref.slice('file:'.length));
    const match = /^([^@]+?)(?:@([0-9]{1,9}))?$/.exec(ref);
    if (!match?.[1]) throw new PlinthError('INVALID_ARGUMENT', `"${ref}" names no secret.`);
    const name = match[1];
    const { bucket } = this.options;
    const found = await bucket.get(headKey(name));
    const head = found && decode<Head>(found.value);
    if (!head || head.deleted) {
      throw new PlinthError('NOT_FOUND', `There is no secret "${name}". Store it: plinth secret set ${name}`);
    }
    if (team !== undefined && !head.shared && head.team !== team) {
      throw new PlinthError(
        'PERMISSION_DENIED',
        `The secret "${name}" belongs to the team "${head.team}", not to "${team}". Store one of your own, or let its team share it.`,
      );
    }
    const version = match[2] === undefined ? head.version : Number(match[2]);
    const entry = await bucket.get(versionKey(name, version));
    if (!entry || version > head.version) {
      throw new PlinthError(
        'NOT_FOUND',
        `There is no version ${version} of the secret "${name}"; the newest is ${head.version}.`,
      );
    }
    return this.#unseal(`${name}@${version}`, decode<Sealed>(entry.value));
  }

  #variable(name: string): string {
    if (name.startsWith('PLINTH_') && !name.startsWith('PLINTH_SECRET_')) {
      throw new PlinthError('FAILED_PRECONDITION', `env:${name} is a setting of Plinth itself; use another variable.`);
    }
    const { variables } = this.options;
    if (variables && !variables.includes(name) && !name.startsWith('PLINTH_SECRET_')) {
      throw new PlinthError(
        'FAILED_PRECONDITION',
        `env:${name} is not opened: name the variable PLINTH_SECRET_…, or list it in PLINTH_SECRET_ENV.`,
      );
    }
    const value = (this.options.environment ?? process.env)[name];
    if (value === undefined || value === '') {
      throw new PlinthError('NOT_FOUND', `The variable ${name} is not set where this service runs.`);
    }
    return value;
  }

  async #file(path: string): Promise<string> {
    // Where the path leads, and not how it is written: `/var/run` is `/run`.
    const real = await whereIs(path);
    if (real === (await whereIs(this.options.keyFile))) {
      throw new PlinthError('FAILED_PRECONDITION', `file:${path} is the key file of Plinth itself.`);
    }
    const { folders } = this.options;
    const allowed = await Promise.all((folders ?? []).map(whereIs));
    if (folders && !allowed.some((folder) => real.startsWith(`${folder}/`))) {
      throw new PlinthError(
        'FAILED_PRECONDITION',
        `file:${path} is not opened: it is in none of the folders that PLINTH_SECRET_DIRS lists.`,
      );
    }
    try {
      // Editors and `echo` end files with a line break that is not part of the secret.
      return (await readFile(real, 'utf8')).replace(/\r?\n$/, '');
    } catch (error) {
      throw new PlinthError(
        'NOT_FOUND',
        `The secret file ${path} cannot be read: ${(error as NodeJS.ErrnoException).code}.`,
      );
    }
  }
}
