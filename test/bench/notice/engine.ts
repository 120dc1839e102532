import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mediaTypes } from '#libs/oci';
import { descriptorOf, makeImage } from '../../../libs/oci/src/testing/images.js';

export interface StampingEngine {
  /** Folder that goes first on PATH. */
  readonly bin: string;
  /** When each build was started so far, in milliseconds since the epoch. */
  starts(): Promise<number[]>;
}

/**
 * A `docker-buildx` that writes down when it was started, which it does before anything else, and gives a small image
 * that is always the same; and a `docker` that says there is a daemon. bash, because it knows the time without
 * starting another program; that it has to start itself counts against us.
 */
export const makeStampingEngine = async (folder: string): Promise<StampingEngine> => {
  const bin = join(folder, 'bin');
  const stamps = join(folder, 'starts');
  const layout = join(folder, 'layout');
  await mkdir(bin, { recursive: true });
  await writeFile(stamps, '');
  await writeOneImage(layout);
  const program = (name: string, lines: readonly string[]) =>
    writeFile(join(bin, name), `#!/bin/bash\n${lines.join('\n')}\n`, { mode: 0o755 });
  await program('docker-buildx', [
    'now=$EPOCHREALTIME',
    'if [ "$1" = version ]; then echo "github.com/docker/buildx v0.13.1"; exit 0; fi',
    `echo "$now" >> '${stamps}'`,
    'for word in "$@"; do',
    '  case "$word" in --output=*) to="${word#*dest=}"; to="${to%%,*}"; mkdir -p "$to"; cp -r ' +
      `'${layout}'/. "$to" ;; esac`,
    'done',
  ]);
  await program('docker', ['echo "28.0.0 [[driver-type io.containerd.snapshotter.v1]]"']);
  return {
    bin,
    starts: async () => {
      const lines = (await readFile(stamps, 'utf8')).split('\n').filter((line) => line !== '');
      return lines.map((line) => Number(line.replace(',', '.')) * 1000);
    },
  };
};

const writeOneImage = async (folder: string): Promise<void> => {
  const { manifest, config, layer } = makeImage('amd64', 'what the engine of the benchmark makes');
  const blobs = join(folder, 'blobs/sha256');
  await mkdir(blobs, { recursive: true });
  for (const { digest, bytes } of [manifest, config, layer]) {
    await writeFile(join(blobs, digest.slice('sha256:'.length)), bytes);
  }
  await writeFile(join(folder, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  const index = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [descriptorOf(manifest)] };
  await writeFile(join(folder, 'index.json'), JSON.stringify(index));
};
