import type { BuildFailureCode, EngineErrorCode } from './engine.js';

/** What an engine's words say of a build that ended badly: the user's build failed, or something of ours did. */
export type Diagnosis =
  | { readonly kind: 'failed'; readonly code: BuildFailureCode; readonly reason: string }
  | { readonly kind: 'ours'; readonly code: EngineErrorCode; readonly reason: string };

export type Rule = readonly [pattern: RegExp, diagnose: (match: RegExpExecArray) => Diagnosis];

export const failed = (code: BuildFailureCode, reason: string): Diagnosis => ({ kind: 'failed', code, reason });
export const ours = (code: EngineErrorCode, reason: string): Diagnosis => ({ kind: 'ours', code, reason });
