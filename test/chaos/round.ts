import type { Cluster } from './cluster.js';
import type { Kill, Round } from './plan.js';

/** How a death went. */
export interface Death extends Kill {
  /** It died at its point; else the round came to its end before, and it was killed then. */
  readonly reached: boolean;
}

/**
 * One round: processes are told where to die, bases move, whoever dies is started again without the crash, and the
 * round is over when every image stands on what its bases carry then.
 */
export const runRound = async (cluster: Cluster, round: Round): Promise<Death[]> => {
  const alive = new Set<Kill>(round.kills);
  let movesLeft = [...round.movesWhileDown];
  for (const { service, at } of round.kills) await cluster.services[service].crashAt(at);
  for (const base of round.moves) await cluster.move(base);
  let isOver = false;
  const deaths = round.kills.map(async (kill): Promise<Death> => {
    const service = cluster.services[kill.service];
    const how = await service.died;
    alive.delete(kill);
    const reached = !isOver;
    if (how !== 'SIGKILL') throw new Error(`${kill.service} ended with ${how}.\n${await service.lastWords()}`);
    await service.disarm();
    const moves = movesLeft;
    movesLeft = [];
    for (const base of moves) await cluster.move(base);
    await service.start();
    return { ...kill, reached };
  });
  const failure = new Promise<never>((_resolve, reject) => void Promise.all(deaths).catch(reject));
  await Promise.race([failure, cluster.settled(`round ${round.number}`)]);
  isOver = true;
  for (const { service } of alive) await cluster.services[service].kill();
  const died = await Promise.all(deaths);
  await cluster.settled(`round ${round.number}, with everything running again`);
  return died;
};

/** For people: what a round did. */
export const sentenceOf = (
  { number, moves, movesWhileDown }: Round,
  deaths: readonly Death[],
  seconds: number,
): string => {
  const killed = deaths.map(({ service, at, reached }) => `${service} at ${at}${reached ? '' : ' (at rest)'}`);
  const later = movesWhileDown.length > 0 ? `, then ${movesWhileDown.join(' and ')} while it was down` : '';
  return `round ${number}: ${moves.join(' and ')} moved${later}; killed ${killed.join(' and ')}; ${seconds.toFixed(1)} s`;
};
