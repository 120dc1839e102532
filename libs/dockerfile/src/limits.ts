/**
 * A Dockerfile comes from whoever can push to a repository, so everything that it can make us do is bounded. The
 * bounds are far above what real files need, and exceeding one is an error with a code, never a slow answer.
 */

/** Bytes of one Dockerfile. */
export const MAX_FILE_BYTES = 1024 * 1024;

/** Bytes of one line: BuildKit reads lines with Go's bufio.Scanner, whose largest token is 64 KiB - 1. */
export const MAX_LINE_BYTES = 64 * 1024 - 1;

/** Characters that one word may expand to. Without it, thirty ARGs that each double the last make a gigabyte. */
export const MAX_EXPANDED_LENGTH = 16 * 1024;

/** How deep `${a:-${b:-…}}` may nest. */
export const MAX_EXPANSION_DEPTH = 100;

/** Characters written and pattern positions tried by all expansions of one resolution together. */
export const EXPANSION_BUDGET = 5_000_000;

/** Different images of one Dockerfile; each costs whoever asked a request to a registry. */
export const MAX_IMAGES = 1000;

/** ONBUILD triggers of one image. */
export const MAX_TRIGGERS = 1000;
