import { contextLimits } from '#libs/contracts';

/** What an archive may cost whoever reads it. Passing any of them refuses the archive whole. */
export interface ContextLimits {
  /** Bytes as they travel. For git: of the fetched pack. */
  readonly compressedBytes: number;
  /** Bytes of the tar stream: contents, headers and padding. */
  readonly unpackedBytes: number;
  /** Files, links and directories, those included that are only implied by a longer path. */
  readonly entries: number;
  /** Unpacked bytes per byte that travelled; judged once `ratioFloorBytes` were unpacked. */
  readonly ratio: number;
  readonly ratioFloorBytes: number;
}

export const defaultLimits: ContextLimits = { ...contextLimits, ratio: 200, ratioFloorBytes: 64 * 1024 * 1024 };

export const withDefaults = (limits: Partial<ContextLimits> = {}): ContextLimits => ({ ...defaultLimits, ...limits });

/** `512 MiB`, `1 KiB`, `20 bytes`. */
export function bytesInWords(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB'];
  let unit = 0;
  let value = bytes;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${Number.isInteger(value) ? value : value.toFixed(1)} ${units[unit]}`;
}
