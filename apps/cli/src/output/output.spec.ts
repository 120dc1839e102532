import { describe, expect, it } from 'vitest';
import { wantsColour } from './colour.js';
import { jq, pickFields, queryPath } from './json.js';
import { Printer } from './printer.js';
import { cell, fieldLines, tableLines } from './table.js';
import { harmless } from './terminal.js';
import { durationBetween, familiar, shortDigest, toSecond } from './words.js';

const printer = (options: ConstructorParameters<typeof Printer>[1] = {}, isTTY = false) => {
  const said = { out: '', err: '' };
  const io = {
    stdout: { write: (text: string) => (said.out += text), isTTY },
    stderr: { write: (text: string) => (said.err += text), isTTY },
    env: {},
  };
  return { said, printer: new Printer(io, options) };
};

const items = [
  { name: 'web', status: 'Enabled', step: { imageNames: ['r.test/web:1'] } },
  { name: 'api-server', status: 'Disabled', step: { imageNames: [] } },
];
const listing = {
  items,
  columns: [
    { title: 'name', value: ({ name }: { name: string }) => name },
    { title: 'status', value: ({ status }: { status: string }) => status },
    { title: 'images', value: (one: (typeof items)[number]) => one.step.imageNames.join(','), wide: true },
  ],
  name: ({ name }: { name: string }) => name,
  empty: 'There is nothing.',
};

describe('a table', () => {
  it('has titles in capitals, aligned columns, and nothing behind the last one', () => {
    expect(tableLines(items, listing.columns)).toEqual([
      'NAME        STATUS',
      'web         Enabled',
      'api-server  Disabled',
    ]);
    expect(tableLines(items, listing.columns, { wide: true })[1]).toBe('web         Enabled   r.test/web:1');
  });

  it('colours without moving a column', () => {
    const columns = [{ ...listing.columns[1]!, paint: (text: string) => `<${text}>` }, listing.columns[0]!];
    expect(tableLines(items, columns, { colour: true })).toEqual([
      'STATUS    NAME',
      '<Enabled>   web',
      '<Disabled>  api-server',
    ]);
  });

  it('lets no text from elsewhere steer a terminal or break a line', () => {
    expect(cell('a\u001b[2Jb\nc\u0007d\u009be')).toBe('ab c d e');
  });

  it('shows one thing as labels and values, and leaves out what is not there', () => {
    expect(
      fieldLines([
        ['Name', 'web'],
        ['Images', ['a', 'b']],
        ['Target', null],
        ['Team', ''],
      ]),
    ).toEqual(['Name:    web', 'Images:  a', '         b']);
  });
});

describe('the printer', () => {
  it('prints tables, names, JSON, YAML and values with tabs, on stdout alone', async () => {
    const print = async (options: ConstructorParameters<typeof Printer>[1]) => {
      const { said, printer: one } = printer(options);
      await one.list(listing);
      expect(said.err).toBe('');
      return said.out;
    };
    expect(await print({ output: 'name' })).toBe('web\napi-server\n');
    expect(JSON.parse(await print({ output: 'json' }))).toEqual(items);
    expect(JSON.parse(await print({ json: ['name'] }))).toEqual([{ name: 'web' }, { name: 'api-server' }]);
    expect(await print({ json: ['name'], jq: '.[].name' })).toBe('web\napi-server\n');
    expect(await print({ output: 'yaml' })).toContain('- name: web\n');
    expect(await print({ output: 'tsv', json: undefined as never, query: '[].name' })).toBe('web\napi-server\n');
    expect(await print({ query: '[0].step.imageNames[0]' })).toBe('"r.test/web:1"\n');
  });

  it('says on stderr that there is nothing, and prints an empty list for programs', async () => {
    const people = printer();
    await people.printer.list({ ...listing, items: [] });
    expect(people.said).toEqual({ out: '', err: 'There is nothing.\n' });
    const program = printer({ output: 'json' });
    await program.printer.list({ ...listing, items: [] });
    expect(program.said).toEqual({ out: '[]\n', err: '' });
  });

  it('shows progress at a terminal alone', () => {
    const [pipe, terminal] = [printer({}, false), printer({}, true)];
    pipe.printer.progress('Packing.');
    terminal.printer.progress('Packing.');
    expect([pipe.said.err, terminal.said.err]).toEqual(['', 'Packing.\n']);
  });

  it('refuses formats that contradict each other', () => {
    expect(() => printer({ output: 'yaml', jq: '.' })).toThrow(/cannot be given/);
    expect(() => printer({ jq: '.', query: 'a' })).toThrow(/not both/);
  });
});

describe('text from elsewhere', () => {
  const hostile = '\u001b]52;c;cm0gLXJm\u0007\u001b[2J\u001b[31mred\u001b[0m\u009b3A\tend\r';
  const calm = '\u001b[31mred\u001b[0m\tend';

  it('keeps its colours, and steers no terminal: neither as lines nor as sentences beside them', () => {
    const { said, printer: one } = printer();
    one.lines([hostile, 'next']);
    one.note(hostile);
    expect(said).toEqual({ out: `${calm}\nnext\n`, err: `${calm}\n` });
  });

  it('goes into a pipe as it is, and to a terminal without what steers it', async () => {
    const print = async (isTTY: boolean) => {
      const { said, printer: one } = printer({ jq: '.text' }, isTTY);
      await one.value({ text: hostile });
      return said.out;
    };
    expect(await print(false)).toBe(`${hostile.trimEnd()}\n`);
    expect(await print(true)).toBe(`${calm}\n`);
  });

  it('is harmless in what it leaves of a broken sequence', () => {
    expect(harmless('a\u001b')).not.toContain('\u001b');
    expect(harmless('\u001b]0;title')).not.toContain('\u001b');
    expect(harmless('\u001b\u001b[2J[2J\u001b[1m').split('\u001b')).toEqual([expect.any(String), '[1m']);
  });
});

describe('fields of JSON', () => {
  it('are picked by name; a name that nothing has is refused with those that there are', () => {
    expect(pickFields(items[0], ['status'])).toEqual({ status: 'Enabled' });
    expect(() => pickFields(items, ['colour'])).toThrow('There is no field colour.');
    expect(pickFields([], ['anything'])).toEqual([]);
  });

  it("are found by az's paths", () => {
    expect(queryPath({ identity: null }, 'identity.principalId')).toBeNull();
    expect(queryPath(items, '[].name')).toEqual(['web', 'api-server']);
    expect(queryPath(items, '[-1].status')).toBe('Disabled');
    expect(() => queryPath(items, "[?name=='web']")).toThrow(/--query takes a path/);
  });

  it('are filtered by jq, whose words are told when it refuses', async () => {
    expect(await jq(items, '.[] | select(.status == "Enabled") | .name')).toBe('web\n');
    expect(await jq({}, 'empty')).toBe('');
    await expect(jq(items, '.[')).rejects.toThrow(/jq does not take '\.\['/);
    await expect(jq(1, '.a')).rejects.toThrow(/Cannot index number/);
    // One that failed harms none after it.
    expect(await jq([1, 2], 'add')).toBe('3\n');
  });
});

describe('colour', () => {
  const terminal = { write: () => undefined, isTTY: true };
  const pipe = { write: () => undefined };
  it.each([
    ['a terminal', terminal, {}, true, true],
    ['a pipe', pipe, {}, true, false],
    ['NO_COLOR', terminal, { NO_COLOR: '1' }, true, false],
    ['an empty NO_COLOR', terminal, { NO_COLOR: '' }, true, true],
    ['--no-color', terminal, {}, false, false],
    ['TERM=dumb', terminal, { TERM: 'dumb' }, true, false],
    ['FORCE_COLOR into a pipe', pipe, { FORCE_COLOR: '1' }, true, true],
    ['NO_COLOR against FORCE_COLOR', pipe, { NO_COLOR: '1', FORCE_COLOR: '1' }, true, false],
  ])('%s', (_what, sink, env, flag, wanted) => expect(wantsColour(sink, env, flag)).toBe(wanted));
});

it('times, digests and references are as people write them', () => {
  const now = new Date('2026-01-01T00:01:30.000Z');
  expect(durationBetween('2026-01-01T00:00:00.000Z', null, now)).toBe('00:01:30');
  expect(durationBetween('2026-01-01T00:00:00.000Z', '2026-01-02T01:00:00.400Z', now)).toBe('25:00:00');
  expect(durationBetween(null, null, now)).toBe('');
  expect(toSecond('2026-01-01T00:00:00.123Z')).toBe('2026-01-01T00:00:00Z');
  expect(shortDigest(`sha256:${'ab'.repeat(32)}`)).toBe('abababababab');
  expect(familiar('docker.io/library/node:22')).toBe('node:22');
});
