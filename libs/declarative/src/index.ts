export { applyResources, problemsError, type Applied, type AppliedOne, type ApplyOptions } from './apply.js';
export {
  importAcrTask,
  isAcrTask,
  type AcrNote,
  type AcrOptions,
  type AcrOutcome,
  type AcrReport,
} from './acr/import.js';
export {
  exportResources,
  policyDocument,
  registryDocument,
  taskDocument,
  yamlOf,
  type ExportOptions,
} from './export.js';
export { findFiles, readFiles } from './files.js';
export { placeOf, type Problem } from './problem.js';
export { readDocuments, type Read, type Source } from './read.js';
export { checkDocuments, fieldsOf, ofType, type Located, type Resources } from './resources.js';
