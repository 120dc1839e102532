export const outputFormats = ['table', 'wide', 'json', 'yaml', 'name', 'tsv'] as const;
export type OutputFormat = (typeof outputFormats)[number];
