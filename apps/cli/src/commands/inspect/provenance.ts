import { Argument, type Command } from 'commander';
import { command } from '../../command.js';
import type { FoundProvenance, ProvenanceQuestion } from '../../inspect-provenance.js';
import type { Column } from '../../output/table.js';
import { nonEmpty } from '../../parsers.js';
import { addRegistryOptions } from '../../registry-options.js';

interface Row {
  readonly name: string;
  readonly role: string;
  readonly digest: string;
}

const columns: readonly Column<Row>[] = [
  { title: 'role', value: ({ role }) => role },
  { title: 'name', value: ({ name }) => name },
  { title: 'digest', value: ({ digest }) => digest },
];

const rowsOf = ({ statement }: FoundProvenance): Row[] =>
  statement.predicate.buildDefinition.resolvedDependencies.map(({ name, uri, digest, annotations }) => {
    const [[algorithm, hex] = ['', '']] = Object.entries(digest);
    const role = annotations?.['role'];
    return {
      name: (name === 'source' ? uri : (name ?? uri)) ?? '',
      role: typeof role === 'string' ? role : '',
      digest: `${algorithm}:${hex}`,
    };
  });

const signedText = ({ signedBy, isVerified }: FoundProvenance): string => {
  if (signedBy.length === 0) return 'not signed';
  if (isVerified === undefined)
    return `signed by the key ${signedBy.join(', ')}, which nobody checked: give it with --key`;
  return isVerified ? 'signed by the key that was given' : 'signed by another key than the one that was given';
};

export default command<ProvenanceQuestion, [string]>({
  describe: (inspect: Command) =>
    addRegistryOptions(
      inspect
        .addArgument(new Argument('<image>', 'the image, by tag or digest'))
        .option('--key <file>', 'public key (PEM) that must have signed it; else exit code 1', nonEmpty),
      'the registry of the image',
    ),

  async run(session, options, image) {
    const { printer } = session;
    // What reads registries is loaded for those who need it.
    const { inspectProvenance } = await import('../../inspect-provenance.js');
    const answer = await inspectProvenance(session, image, options);
    if (printer.format === 'name') return printer.lines(answer.provenance.map(({ digest }) => digest));
    if (printer.format !== 'table' && printer.format !== 'wide') return printer.value(answer);
    for (const found of answer.provenance) {
      const { buildDefinition, runDetails } = found.statement.predicate;
      printer.lines([
        `${answer.image} (${answer.digest})`,
        `  by run ${runDetails.metadata?.invocationId}, ${buildDefinition.buildType}, ${runDetails.metadata?.finishedOn}; ${signedText(found)}`,
      ]);
      await printer.list({ items: rowsOf(found), columns, name: ({ name }) => name, empty: '  It used nothing.' });
    }
  },
});
