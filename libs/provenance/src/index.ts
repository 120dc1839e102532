export {
  type Artifact,
  artifactTypes,
  contentOf,
  packArtifact,
  readProvenance,
  type ReadProvenance,
  type Subject,
  UnreadableProvenance,
} from './artifact.js';
export { type Envelope, isSealedBy, keyId, readPublicKey, readSigningKey, seal, SigningKeyError } from './envelope.js';
export {
  type Attested,
  type AttestingBuilder,
  predicateType,
  type ProvenanceStatement,
  statementOf,
} from './statement.js';
