/**
 * npm run demo: Plinth, two registries, real builds; two base images move, and what comes of it is shown and checked.
 * See docs/demo.md.
 */
import { ActFailed, buildAll, moveBase, type Moved } from './acts.js';
import { check, explain } from './ending.js';
import { declaration } from './graph.js';
import { parseOptions, usage, type Options } from './options.js';
import { Processes } from './processes.js';
import { sabotages, type Sabotage } from './sabotage.js';
import { Screen, seconds } from './screen.js';
import { setStage, type Stage } from './stage.js';
import { Workplace } from './workplace.js';

/** Somebody pressed Ctrl-C, or a program ended on which the demo stands. */
class Interrupted extends Error {
  constructor(
    message: string,
    readonly exitCode: number,
  ) {
    super(message);
  }
}

const begun = performance.now();
const screen = new Screen();
const processes = new Processes();
const interruption = Promise.withResolvers<never>();
interruption.promise.catch(() => undefined); // whoever races with it hears of it

const signals = { SIGINT: 130, SIGTERM: 143 } as const;
let told = false;
for (const [signal, exitCode] of Object.entries(signals)) {
  process.on(signal, () => {
    if (told) {
      processes.killAll();
      process.exit(exitCode);
    }
    told = true;
    interruption.reject(new Interrupted('Stopping.', exitCode));
  });
}

let options: Options;
try {
  options = parseOptions(process.argv.slice(2));
} catch (error) {
  console.error(`${(error as Error).message}\n\n${usage}`);
  process.exit(2);
}
if (options.help) {
  console.log(usage);
  process.exit(0);
}
// What the story still waited for when it was interrupted must not keep this process.
process.exit(await run(options));

async function run({ keep, sabotage: name }: Options): Promise<number> {
  const sabotage: Sabotage | undefined = name && sabotages[name];
  const workplace = await Workplace.open();
  let stage: Stage | undefined;
  let exitCode = 1;
  try {
    const play = async (): Promise<boolean> => {
      stage = await open(workplace, sabotage);
      return tell(stage, sabotage);
    };
    const playing = play();
    playing.catch(() => undefined); // after an interruption nobody waits for it any more
    exitCode = (await Promise.race([playing, interruption.promise])) ? 0 : 1;
  } catch (error) {
    exitCode = tellFailure(error, stage);
  }
  if (exitCode === 1) screen.say(`\n  The logs are in ${workplace.logs}.`);
  if (keep && stage && exitCode <= 1) await stay(stage);
  await clearUp(workplace, stage, exitCode === 1 && !told);
  return exitCode;
}

async function open(workplace: Workplace, sabotage: Sabotage | undefined): Promise<Stage> {
  screen.heading('1  Plinth and two registries start');
  if (sabotage) screen.say(screen.paint('yellow', `  Sabotage: ${sabotage.says}`));
  const stage = await setStage(workplace, processes, { webhookSecret: sabotage?.webhookSecret });
  const { plinth, hosts } = stage;
  void plinth.process.ended.then((how) =>
    interruption.reject(new Error(`Plinth ended with ${how}; its log is ${plinth.log}.`)),
  );
  screen.say(`  Plinth              ${plinth.url}`);
  screen.say(`  company's registry  ${hosts.company}  tells Plinth of every push`);
  screen.say(`  public registry     ${hosts.public}  tells nobody`);
  return stage;
}

/** The story; answers whether all of it holds. */
async function tell(stage: Stage, sabotage: Sabotage | undefined): Promise<boolean> {
  screen.heading('2  Everything is built once, for real');
  await buildAll(stage, screen);
  const first = new Map([...stage.bases].map(([name, { token }]) => [name, token]));
  // A sabotage is about the first move: what comes after it would show nothing more.
  const bases = declaration.bases.filter(({ registry }) => !sabotage || registry === 'company');
  const moves: Moved[] = [];
  for (const base of bases) {
    screen.heading(
      `${moves.length + 3}  ${base.name} moves in the ${base.registry === 'company' ? "company's" : 'public'} registry`,
    );
    moves.push(await moveBase(stage, screen, base, sabotage));
  }
  screen.heading(`${moves.length + 3}  The check, by code that imports nothing of Plinth`);
  const { problems } = await check(stage, screen, moves, first);
  screen.heading(`${moves.length + 4}  Why was the join image rebuilt?`);
  const explained = await explain(stage, screen);
  screen.say();
  const took = seconds(performance.now() - begun);
  const broken = problems[0]?.sentence ?? (explained ? undefined : "Plinth's answer does not lead back to base.");
  if (broken === undefined) screen.say(`  ${screen.paint(['green', 'bold'], 'All of it holds.')} ${took}`);
  else screen.say(`  ${screen.paint(['red', 'bold'], 'It does not hold:')} ${broken}`);
  return broken === undefined;
}

/** Shows what went wrong; answers the exit code. */
function tellFailure(error: unknown, stage: Stage | undefined): number {
  screen.close();
  if (error instanceof Interrupted) {
    screen.say(`\n  ${error.message}`);
    return error.exitCode;
  }
  const { message } = error as Error;
  screen.say(`\n  ${screen.paint(['red', 'bold'], '✘')} ${message}`);
  if (stage && !(error instanceof ActFailed)) screen.say(`  Plinth's own log: ${stage.plinth.log}`);
  return 1;
}

/** Leaves everything running until somebody stops it. */
async function stay({ plinth, hosts }: Stage): Promise<void> {
  screen.heading('Everything goes on running');
  screen.say(`  Plinth    ${plinth.url}   gRPC ${plinth.grpc}`);
  screen.say(`  token     ${plinth.tokenFile}`);
  screen.say(`  try       curl -H "Authorization: Bearer $(cat ${plinth.tokenFile})" ${plinth.url}/v1/graph/states`);
  screen.say(`  registries  ${hosts.company} (company), ${hosts.public} (public)`);
  screen.say(`  stop it by Ctrl-C, or: kill ${process.pid}`);
  await interruption.promise.catch((error: unknown) => screen.say(`\n  ${(error as Error).message}`));
}

async function clearUp(workplace: Workplace, stage: Stage | undefined, keepLogs: boolean): Promise<void> {
  stage?.feed.stop();
  stage?.plinth.client.close();
  await processes.stopAll();
  await workplace.close({ keepLogs });
}
