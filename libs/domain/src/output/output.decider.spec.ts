import { describe, it } from 'vitest';
import { decider } from '#libs/testing';
import { outputDecider } from './output.decider.js';

const reference = 'registry.test/app:1';
const digest = (letter: string) => `sha256:${letter.repeat(64)}`;
const of = { reference, task: 'app', run: 'r2' };
const foreign = (found: string) => ({ type: 'output.foreign', data: { ...of, found, expected: digest('e') } }) as const;
const find = (found: string) => ({ type: 'foreign', ...of, found, expected: digest('e') }) as const;
const repaired = {
  type: 'output.repaired',
  data: { ...of, found: digest('a'), foundRun: 'r1', to: digest('e') },
} as const;
const regained = { type: 'output.regained', data: of } as const;
const shared = (...tasks: [string, string]) => ({ type: 'output.shared', data: { reference, tasks } }) as const;
const pushed = (...by: string[]) => ({ type: 'pushed', reference, by }) as const;
const { given } = decider(outputDecider, reference);

describe('a tag that tasks push', () => {
  it('is said to be foreign once, as long as it shows the same', () => {
    given()
      .when(find(digest('f')))
      .then(foreign(digest('f')));
    given(foreign(digest('f')))
      .when(find(digest('f')))
      .then();
    given(foreign(digest('f')))
      .when(find(digest('0')))
      .then(foreign(digest('0')));
  });

  it('is said to be regained when it was foreign, and foreign again when it is', () => {
    given()
      .when({ type: 'regained', ...of })
      .then();
    given(foreign(digest('f')))
      .when({ type: 'regained', ...of })
      .then(regained);
    given(foreign(digest('f')), regained)
      .when(find(digest('f')))
      .then(foreign(digest('f')));
  });

  it('is said to be repaired each time that it was', () => {
    given(repaired)
      .when({ type: 'repaired', ...repaired.data })
      .then(repaired);
  });

  it('is said to be shared once for each pair of tasks, whoever of them comes first', () => {
    given().when(pushed('app')).then();
    given().when(pushed('web', 'app')).then(shared('app', 'web'));
    given(shared('app', 'web')).when(pushed('app', 'web')).then();
    given(shared('app', 'web'))
      .when(pushed('app', 'web', 'old'))
      .then(shared('app', 'old'), shared('old', 'web'));
  });
});
