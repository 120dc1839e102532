import { createHash } from 'node:crypto';
import { chmod, mkdir, symlink, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import { describe, expect, it } from 'vitest';
import { tempDir } from '#libs/testing';
import { packContext, type PackedContext } from './pack.js';

const folderOf = async (files: Readonly<Record<string, string>>): Promise<string> => {
  const { path } = await tempDir('pack');
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(path, name)), { recursive: true });
    await writeFile(join(path, name), content);
  }
  return path;
};

/** Names in the archive, with the content of files and the targets of links. */
const unpacked = async ({ body }: PackedContext): Promise<Record<string, string>> => {
  const found: Record<string, string> = {};
  const reading = body.pipe(createGunzip()).pipe(extract());
  for await (const entry of reading) {
    const { name, type, linkname, mode } = entry.header;
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(chunk as Buffer);
    found[name] =
      type === 'symlink' ? `-> ${linkname}` : `${(mode ?? 0).toString(8)} ${Buffer.concat(chunks).toString()}`;
  }
  return found;
};
const names = async (folder: string, file = 'Dockerfile', cwd = folder): Promise<string[]> =>
  Object.keys(await unpacked(await packContext(folder, file, cwd)));

describe('a folder as a build context', () => {
  it('leaves out what .dockerignore says, and keeps what it says after that', async () => {
    const folder = await folderOf({
      Dockerfile: 'FROM scratch',
      '.dockerignore': '# left out\n*.log\n!kept.log\nnode_modules\n**/cache\n',
      'a.log': '',
      'kept.log': '',
      'node_modules/x/y.js': '',
      'src/cache/z': '',
      'src/main.js': '',
    });
    expect(await names(folder)).toEqual(['.dockerignore', 'Dockerfile', 'kept.log', 'src/', 'src/main.js']);
  });

  it('looks into a folder that is left out for what is not', async () => {
    const folder = await folderOf({
      Dockerfile: '',
      '.dockerignore': 'out\n!out/wanted.txt\n',
      'out/wanted.txt': '',
      'out/other.txt': '',
    });
    expect(await names(folder)).toEqual(['.dockerignore', 'Dockerfile', 'out/wanted.txt']);
  });

  it('leaves out version control, as az does, unless it is put back', async () => {
    const folder = await folderOf({ Dockerfile: '', '.git/config': '', '.gitignore': '' });
    expect(await names(folder)).toEqual(['Dockerfile']);
    await writeFile(join(folder, '.dockerignore'), '!.git\n!.git/**\n');
    expect(await names(folder)).toEqual(['.dockerignore', '.git/', '.git/config', 'Dockerfile']);
  });

  it('takes the ignore file of the Dockerfile before the common one, and never leaves the Dockerfile out', async () => {
    const folder = await folderOf({
      'Dockerfile.app': '',
      'Dockerfile.app.dockerignore': '*\n!a\n',
      '.dockerignore': 'a\n',
      a: '',
      b: '',
    });
    expect(await names(folder, 'Dockerfile.app')).toEqual([
      '.dockerignore',
      'Dockerfile.app',
      'Dockerfile.app.dockerignore',
      'a',
    ]);
  });

  it('takes a Dockerfile along that lies elsewhere', async () => {
    const folder = await folderOf({ 'app/main': '', 'docker/Dockerfile': 'FROM scratch' });
    const packed = await packContext('app', 'docker/Dockerfile', folder);
    expect(packed.dockerFilePath).toMatch(/^[0-9a-f]{8}_Dockerfile$/);
    expect((await unpacked(packed))[packed.dockerFilePath]).toBe('644 FROM scratch');
    expect((await packContext('.', 'Dockerfile', join(folder, 'docker'))).dockerFilePath).toBe('Dockerfile');
  });

  it('keeps links as links and programs as programs', async () => {
    const folder = await folderOf({ Dockerfile: '', run: '#!/bin/sh' });
    await chmod(join(folder, 'run'), 0o750);
    await symlink('run', join(folder, 'link'));
    expect(await unpacked(await packContext(folder, 'Dockerfile', folder))).toMatchObject({
      link: '-> run',
      run: '755 #!/bin/sh',
    });
  });

  it('is the same archive for the same files, whenever they were written', async () => {
    const digest = async (folder: string): Promise<string> => {
      const hash = createHash('sha256');
      for await (const chunk of (await packContext(folder, 'Dockerfile', folder)).body) hash.update(chunk as Buffer);
      return hash.digest('hex');
    };
    const files = { Dockerfile: 'FROM scratch', 'a/b': 'x', c: 'y' };
    const [one, other] = [await folderOf(files), await folderOf(files)];
    await utimes(join(other, 'c'), 1, 1);
    await chmod(join(other, 'c'), 0o600);
    expect(await digest(one)).toBe(await digest(other));
    await writeFile(join(other, 'c'), 'z');
    expect(await digest(one)).not.toBe(await digest(other));
  });

  it('says what is not there', async () => {
    const folder = await folderOf({ x: '' });
    await expect(packContext('nowhere', 'Dockerfile', folder)).rejects.toThrow('There is no folder nowhere.');
    await expect(packContext('x', 'Dockerfile', folder)).rejects.toThrow('x is no folder.');
    await expect(packContext('.', 'Dockerfile', folder)).rejects.toThrow(/There is no file Dockerfile in/);
  });
});
