/** Dockerfiles as people and their enemies write them, and the options of their builds: generated. */
import fc from 'fast-check';

export interface GeneratedBuild {
  readonly dockerfile: string;
  readonly target: string | undefined;
  readonly platforms: readonly string[];
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly buildContexts: Readonly<Record<string, string>>;
  /** Of the image {@link triggeredImage}. */
  readonly triggers: readonly string[];
}

/**
 * The one image that has ONBUILD triggers. Nothing here copies from it or mounts it: BuildKit then reads its triggers,
 * runs none, and looks for what they name all the same.
 */
export const triggeredImage = 'docker.io/library/triggers:1';

const digest = (digit: string) => `sha256:${digit.repeat(64)}`;

/** Mostly what is fine; now and then what is odd. */
const mostly = <T, U>(fine: fc.Arbitrary<T>, odd: fc.Arbitrary<U>, weight = 60): fc.Arbitrary<T | U> =>
  fc.oneof({ weight, arbitrary: fine }, { weight: 1, arbitrary: odd });
/** Once in `freq` times; else nothing. */
const sometimes = (text: fc.Arbitrary<string>, freq = 5): fc.Arbitrary<string> =>
  fc.oneof({ weight: freq - 1, arbitrary: fc.constant('') }, { weight: 1, arbitrary: text });

const anyOf = (...rows: readonly (readonly string[])[]): fc.Arbitrary<string> => fc.constantFrom(...rows.flat());

const stageNames = ['s0', 's1', 's2', 's3'] as const;
const image = mostly(
  fc.constantFrom('a', 'b', 'node', 'node:22', 'ghcr.io/a/b:1', 'localhost:5000/x', 'docker.io/library/node:latest'),
  mostly(
    fc.constantFrom('scratch', `a@${digest('1')}`, `b:2@${digest('1')}`, 'context'),
    fc.constantFrom('A', '0', 'a:', 'a/../b'),
    15,
  ),
  5,
);
const stage = mostly(fc.constantFrom(...stageNames), fc.constantFrom('S1', 'x', 'B', '1x'));
const thing = fc.oneof(image, stage);

const plainExpansion = anyOf(
  ['$V', '${V}', '${V:-a}', '${V-b}', '${V:+a}', '${V+b}', '${V#a}', '${V##*/}', '${V%:*}', '${V%%:*}', '${V/a/b}'],
  ['${V//a/b}', '${W:-${V:-a}}', '${V:-$W}', '"$V"', "'a'", '"a"', '\\a', '${W-}a', 'node:${V:-22}', 'n${V:+o}de'],
  ['${TARGETARCH}', '$TARGETSTAGE', '$TARGETOS', '${V/\\//x}', '${V#?}', '${V%%[0-9]}', '$TARGETVARIANT'],
);
const oddExpansion = anyOf(
  ['${', '${V!}', '${V^}', '${V:1}', '$1', '${1}', '${W:=a}', '${V@Q}', '$@', '${@}', '${V:?no}', '${V?}', '\\$V'],
  ['${V:-"a b"}', '${V:-}', '"', "'a", '$', '${}', '${V:-${W', '${V/a}', '${V/#a/b}', '${V:-a}}'],
);
const expansion = mostly(plainExpansion, oddExpansion);
const word = fc.oneof(
  { weight: 8, arbitrary: thing },
  { weight: 1, arbitrary: fc.constant('triggers:1') },
  { weight: 3, arbitrary: expansion },
  { weight: 1, arbitrary: fc.tuple(expansion, expansion).map((two) => two.join('')) },
);

const gap = mostly(
  fc.constantFrom(' ', '  ', '\t'),
  fc.constantFrom('~\n', ' ~\n# FROM c\n', ' ~\n\n', ' ~ \n\t', '\f'),
);
const platform = mostly(
  anyOf(
    ['linux/amd64', 'linux/arm64', '$BUILDPLATFORM', '$TARGETPLATFORM', '${TARGETOS}/arm64', 'linux/$TARGETARCH'],
    ['"linux/arm64"', 'linux/arm/v7', 'linux', 'arm64', 'linux/x86_64', 'windows(10.0.1)/amd64', 'macos'],
  ),
  fc.constantFrom('$V', '$TARGETVARIANT', 'odd', 'linux/arm64/v8/x', '""'),
);
const keyword = (name: string) => mostly(fc.constant(name), fc.constantFrom(name.toLowerCase(), ` ${name}`), 5);

const from = fc
  .tuple(
    keyword('FROM'),
    gap,
    sometimes(platform.map((text) => `--platform=${text} `)),
    word,
    sometimes(
      mostly(
        fc.constantFrom(...stageNames).map((name) => ` AS ${name}`),
        fc.constantFrom(' as S1', ' AS x', ' AS a/b', ' AS 1x', ' AS node', ' AS', ' x y', ' AS a.b-c_d'),
      ),
      2,
    ),
  )
  .map((parts) => parts.join(''));

const arg = fc
  .tuple(
    keyword('ARG'),
    fc.constantFrom(' V', ' W', ' TARGETARCH'),
    sometimes(
      word.map((text) => `=${text}`),
      2,
    ),
    sometimes(word.map((text) => ` W=${text}`)),
  )
  .map((parts) => parts.join(''));

const heredoc = anyOf([
  '<<E /x\nFROM c\nE',
  '<<E <<F /x\nFROM c\nE\nF',
  '<<"E" /x\nCOPY --from=c / /\nE',
  '<<-E /x\n\tFROM c\n\tE',
]);
const copy = fc
  .tuple(
    keyword('COPY'),
    sometimes(fc.constant(' --link')),
    sometimes(mostly(fc.oneof(thing, fc.constantFrom('0', '0', '1')), fc.constantFrom('$V', '+1', '01', '-1', '9')), 2),
    mostly(
      fc.constantFrom('/ /', '["a","b"]', 'a b c', 'a ~\n b', '["a", "<<E", "b"]'),
      fc.constantFrom('a', '[1]', '$V /x'),
    ),
  )
  .map(([name, link, source, paths]) => `${name}${link}${source && ` --from=${source}`} ${paths}`);
// From a stage or an image they would copy nothing of it.
const inline = fc.tuple(fc.constantFrom('COPY', 'ADD', 'add'), heredoc).map((parts) => parts.join(' '));

const mount = fc
  .tuple(
    fc.constantFrom('', 'type=bind,', 'type=cache,', 'TYPE=bind,', 'rw,', 'type=cache,sharing=shared,', 'readonly,'),
    sometimes(mostly(thing, fc.constantFrom('$V', '')), 2),
    mostly(fc.constantFrom('target=/m', 'dst=/m', 'target=/m,source=/x', '"target=/m"'), fc.constantFrom('"', 'a\\"b')),
  )
  .map(([type, source, target]) => `--mount=${type}${source && `from=${source},`}${target}`);
const script = anyOf(
  ['true', '<<E\nFROM c\nE', '<<-E cat\n\tFROM c\n\tE', '3<<E cat\nFROM c\nE', '<<"E F"\nFROM c\nE F', '["a","b"]'],
  ['echo ~\n  x', 'echo <<< E', '<<E <<E\na\nE\nb\nE', 'x <<$V\nFROM c\n$V', 'echo "<<E"', 'cat << E\nFROM c\nE'],
  ['cat <<E | x\nFROM c\nE', "<<'E'\nE", 'echo ~~', 'echo ~\n# FROM c\n\n x', 'cat <<E ~\n y\nFROM c\nE', 'x<<E', '[a'],
  ['echo $((1<<2))', 'cat <<E>/x\nFROM c\nE>/x', '<<E\n# c\n\nE', 'a && <<E b\n~\nE'],
);
const run = fc
  .tuple(keyword('RUN'), fc.array(mount, { maxLength: 2 }), mostly(script, fc.constantFrom('[1]', '<<E', 'x <<"E\nE')))
  .map(([name, mounts, text]) => [name, ...mounts, text].join(' '));

const onbuild = fc
  .tuple(
    keyword('ONBUILD'),
    mostly(fc.oneof(copy, run, inline), fc.constantFrom('FROM a', 'ONBUILD RUN x', '', 'ARG V')),
  )
  .map((parts) => parts.join(' '));
const other = mostly(
  anyOf(
    [
      'ENV V=a',
      'ENV A=<<E',
      'LABEL a=b',
      'WORKDIR /x',
      'CMD ["x"]',
      'CMD <<E',
      '# FROM c',
      '',
      '  # x',
      'SHELL ["sh"]',
    ],
    ['EXPOSE 80', 'ENTRYPOINT x', 'VOLUME /x', 'HEALTHCHECK NONE', 'MAINTAINER x', 'USER x', 'STOPSIGNAL 9', '\t'],
  ),
  fc.constantFrom('RUM x', 'EOF', '-'),
);

const head = mostly(
  fc.constantFrom(
    '',
    '',
    '',
    '',
    '# escape=`\n',
    '# escape=\\\n',
    '# x=y\n',
    '\uFEFF',
    '# check=skip=all\n',
    '# c\n',
    '\n',
  ),
  anyOf(
    ['# Escape = `\n', '#!/bin/x\n', '# check=skip=all\n# escape=`\n', '\n# escape=`\n', '# escape=`\n# escape=`\n'],
    [
      '# syntax=docker/dockerfile:1\n',
      '# SYNTAX=x y\n',
      '#\n# syntax=x\n',
      '# syntax=\n',
      '{"syntax":"x"}\n',
      '# escape=x\n',
    ],
    ['#   syntax  =  x/y:1  z\n', '# check=skip=all\n# syntax=x\n', '// syntax=x\n', '// check=x\n// syntax=x\n'],
    [' # syntax=x\n', '# syntax=x\n# syntax=y\n', '#!/bin/x\n# syntax=x\n', '\uFEFF# syntax=x\n', '#!x\n// syntax=x\n'],
  ),
  8,
);

const line = fc.oneof(
  { weight: 5, arbitrary: from },
  { weight: 4, arbitrary: copy },
  { weight: 4, arbitrary: run },
  { weight: 1, arbitrary: inline },
  { weight: 1, arbitrary: onbuild },
  { weight: 1, arbitrary: arg },
  { weight: 2, arbitrary: other },
);
const dockerfile = fc
  .tuple(
    head,
    mostly(
      fc.constantFrom(['ARG V=node'], ['ARG V=s0', 'arg W="b"'], ['ARG V', 'ARG W=a:1 V=${W%:*}']),
      fc.constant([]),
      8,
    ),
    fc.array(arg, { maxLength: 2 }),
    from,
    fc.array(line, { maxLength: 12 }),
    mostly(fc.constant('\n'), fc.constant('\r\n'), 10),
  )
  .map(([first, defaults, args, stage, lines, end]) => {
    const text = first + [...defaults, ...args, stage, ...lines].join('\n');
    // `~` is what joins lines in this file; a real one stands for itself nowhere above.
    return text.replaceAll('~', /^# escape *= *`/i.test(first) ? '`' : '\\').replaceAll('\n', end);
  });

const context = anyOf(
  ['docker-image://n', 'docker-image://q/r:2', 'docker-image://scratch', `docker-image://n@${digest('2')}`],
  ['https://example.com/y.git', 'local:z', 'input:other', 'docker-image:n'],
);

const options = fc.record({
  target: mostly(
    fc.option(fc.nat(), { nil: undefined, freq: 2 }),
    fc.constantFrom('S1', '0', '1', 'nope', 'node', 'x'),
    20,
  ),
  platforms: fc.constantFrom(
    ['linux/amd64'],
    ['linux/amd64', 'linux/arm64'],
    ['linux/arm/v7'],
    ['linux/arm64/v8'],
    ['windows(10.0.2)/amd64'],
  ),
  buildArgs: mostly(
    fc.dictionary(fc.constantFrom('V', 'W'), mostly(thing, fc.constantFrom('', '$V', 'x y', 'linux/arm64')), {
      maxKeys: 2,
    }),
    fc.dictionary(fc.constantFrom('TARGETARCH', 'BUILDPLATFORM', 'TARGETSTAGE', 'BUILDKIT_SYNTAX'), word, {
      maxKeys: 2,
    }),
  ),
  buildContexts: mostly(
    fc.constant({}),
    fc.dictionary(
      fc.constantFrom(
        'a',
        'b',
        's0',
        's1',
        'node',
        'node:22',
        'ghcr.io/a/b:1',
        'scratch',
        'context',
        'a::linux/arm64',
        'c',
      ),
      context,
      { maxKeys: 2 },
    ),
    3,
  ),
  triggers: mostly(
    fc.constant<string[]>([]),
    fc.array(
      mostly(fc.oneof(copy, run, inline), fc.constantFrom('FROM x', 'ENV a=b', 'RUN x\nRUN y', 'BAD', 'ONBUILD RUN x')),
      { maxLength: 2 },
    ),
    3,
  ),
});

/** Stages of the file are built more often than names that it does not have. */
export const generatedBuild: fc.Arbitrary<GeneratedBuild> = fc
  .tuple(dockerfile, options)
  .map(([file, { target, triggers, ...rest }]) => {
    const names = [...file.matchAll(/ as (\S+)/gi)].map(([, name]) => name as string);
    const chosen = typeof target === 'number' ? names[target % Math.max(1, names.length)] : target;
    return { ...rest, dockerfile: file, target: chosen, triggers: triggers.map((text) => text.replaceAll('~', '\\')) };
  });
