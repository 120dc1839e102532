import { z } from 'zod';
import { check, parseJson } from './manifest.js';
import type { Platform } from './platform.js';
import { isDigest, type Digest } from './reference.js';

/** An image's config blob (OCI image-spec config.md, and Docker's superset). Fields not named here are kept as read. */
export interface ImageConfig {
  readonly architecture: string;
  readonly os: string;
  readonly variant?: string;
  readonly 'os.version'?: string;
  readonly created?: string;
  readonly author?: string;
  readonly config?: {
    readonly Env?: readonly string[] | null;
    readonly Entrypoint?: readonly string[] | null;
    readonly Cmd?: readonly string[] | null;
    readonly WorkingDir?: string | null;
    readonly User?: string | null;
    readonly Labels?: Readonly<Record<string, string>> | null;
    /** Instructions that run in builds FROM this image (Docker only); they may name further images. */
    readonly OnBuild?: readonly string[] | null;
    readonly [field: string]: unknown;
  };
  readonly rootfs: { readonly type: string; readonly diff_ids: readonly Digest[] };
  readonly history?: readonly HistoryEntry[];
  readonly [field: string]: unknown;
}

export interface HistoryEntry {
  readonly created?: string;
  readonly created_by?: string;
  readonly author?: string;
  readonly comment?: string;
  /** True when the step made no layer. */
  readonly empty_layer?: boolean;
}

const digest = z.custom<Digest>((value) => typeof value === 'string' && isDigest(value), 'not a digest');
const strings = z.array(z.string()).nullish();
const schema = z.looseObject({
  architecture: z.string(),
  os: z.string(),
  variant: z.string().optional(),
  'os.version': z.string().optional(),
  config: z
    .looseObject({
      Env: strings,
      Entrypoint: strings,
      Cmd: strings,
      WorkingDir: z.string().nullish(),
      User: z.string().nullish(),
      Labels: z.record(z.string(), z.string()).nullish(),
      OnBuild: strings,
    })
    .nullish(),
  rootfs: z.looseObject({
    type: z.string(),
    diff_ids: z
      .array(digest)
      .nullish()
      .transform((ids) => ids ?? []),
  }),
  history: z.array(z.looseObject({ empty_layer: z.boolean().optional() })).nullish(),
});

/** @throws InvalidManifestError when required fields are missing or of another type. */
export function parseImageConfig(bytes: Uint8Array): ImageConfig {
  const { config, history, ...rest } = check(schema, parseJson(bytes, 'image config'));
  return { ...rest, ...(config && { config }), ...(history && { history }) } as ImageConfig;
}

/** The platform that the image says it is for. */
export function platformOfConfig(config: ImageConfig): Platform {
  return {
    os: config.os,
    architecture: config.architecture,
    ...(config.variant && { variant: config.variant }),
    ...(config['os.version'] && { osVersion: config['os.version'] }),
  };
}
