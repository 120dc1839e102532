import { z } from 'zod';

/**
 * Identifiers that cross a service boundary. Each is a string with one shape, checked once on entry;
 * the descriptions become the documentation of every API that uses them.
 */

/** `sha256:<64 hex>`; the only algorithm that every registry must support (OCI image-spec, descriptor). */
export const digestSchema = z
  .string()
  .regex(/^sha256:[0-9a-f]{64}$/, 'expected a digest like sha256:<64 hex characters>')
  .describe('Digest of a manifest: `sha256:` and 64 hexadecimal characters.');

/** Canonical reference; `libs/oci` makes it from what people write. */
export const referenceSchema = z
  .string()
  .min(1)
  .max(512)
  .describe('Image reference. Answers always show the canonical form `host/repository:tag`.');

/** `os/arch[/variant]`. */
export const platformSchema = z
  .string()
  .regex(
    /^(linux|windows|freebsd|darwin|wasi)\/[a-z0-9_]+(\/[A-Za-z0-9_.]+)?$/,
    'expected a platform like linux/amd64 or linux/arm/v7',
  )
  .describe('Platform, `os/arch[/variant]`.');

/**
 * A platform as an index offers it: of any system, for Windows with its version (`windows(10.0.20348.2113)/amd64`).
 * Wider than what a task may build for: an official image offers what no task of ours uses.
 */
export const offeredPlatformSchema = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9_.-]{0,31}(\([0-9.]{1,32}\))?\/[a-z0-9_.-]{1,32}(\/[A-Za-z0-9_.-]{1,32})?$/,
    'expected a platform like linux/amd64 or windows(10.0.20348.2113)/amd64',
  )
  .describe('Platform that an image offers, `os[(version)]/arch[/variant]`.');

/** ACR's rule for task names (Microsoft.ContainerRegistry/registries/tasks): 5–50 there; we allow 1–63. */
export const taskNameSchema = z
  .string()
  .regex(/^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?$/, 'expected 1 to 63 letters, digits, - or _')
  .describe('Name of a task: 1 to 63 letters, digits, `-` or `_`.');

/** The resources that are kept together in one place, such as a repository of a team. */
export const setNameSchema = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'expected 1 to 63 letters, digits, `.`, `_` or `-`');
export const appliedBySchema = z
  .string()
  .max(127)
  .describe('Team and set whose apply made it, `team/set`; absent for what was made by hand.');

export const runIdSchema = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,40}$/, 'expected a run id like c4f2')
  .describe('Id of a run.');

/** A registry is named by the host that stands in references, with its port. */
export const registryHostSchema = z
  .string()
  .regex(
    /^(?=.{1,253}$)[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?$/,
    'expected a host like ghcr.io or registry.local:5000',
  )
  .describe('Host of a registry as it stands in references, with its port where it has one.');

/** `secretRef: name@version`, `env:NAME` or `file:/path`: where a secret is, never the secret. */
export const secretRefSchema = z
  .string()
  .regex(
    /^(?:[A-Za-z0-9][A-Za-z0-9._-]{0,62}(?:@[0-9]+)?|env:[A-Za-z_][A-Za-z0-9_]*|file:\/.+)$/,
    'expected a stored secret (name or name@version), env:NAME or file:/path',
  )
  .describe('Where a secret is: `name` or `name@version` of a stored secret, `env:NAME`, or `file:/path`.');

export const teamSchema = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'expected 1 to 63 letters, digits, `.`, `_` or `-`')
  .describe('Team that owns it.');

/** A position of the event log: the stream sequence of an event. */
export const positionSchema = z.number().int().nonnegative().describe('Position in the event log.');

export const timeSchema = z.iso.datetime({ offset: true }).describe('Time, RFC 3339.');

export type Platform = z.infer<typeof platformSchema>;
