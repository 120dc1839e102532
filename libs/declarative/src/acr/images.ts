import { renderImageName } from '#libs/domain';
import { leftOut, type AcrNote } from './notes.js';

export interface AcrNames {
  /** Login server of the registry that the task is in, such as `myregistry.azurecr.io`; undefined where it is unknown. */
  readonly loginServer: string | undefined;
  readonly task: string;
}

const example = { id: 'c1', date: new Date(0) };

/** What ACR puts in for every run alike. */
const constants = (text: string, { loginServer, task }: AcrNames): string => {
  const known: Readonly<Record<string, string | undefined>> = {
    Registry: loginServer,
    RegistryName: loginServer?.split('.', 1)[0],
    TaskName: task,
  };
  return text
    .replaceAll(/\{\{\s*\.Run\.(Registry|RegistryName|TaskName)\s*\}\}/g, (all, name: string) => known[name] ?? all)
    .replaceAll(/\$(RegistryName|Registry)\b/g, (all, name: string) => known[name] ?? all)
    .replaceAll(/\$(ID|Date)\b/g, (_all, name: string) => `{{.Run.${name}}}`);
};

/** Docker's rule: the first part is a host when it has a dot or a colon in it, or is localhost. */
const namesHost = (image: string): boolean => {
  const first = image.split('/', 1)[0] ?? '';
  return image.includes('/') && (first === 'localhost' || /[.:]/.test(first));
};

/**
 * Image names as Plinth takes them: ACR puts the task's registry in front of those without a host.
 *
 * @param field where the names stand
 * @throws LeftOut when there were names, and none can be carried over
 */
export const imageNames = (
  given: readonly string[],
  names: AcrNames,
  field: string,
): { names: string[]; notes: AcrNote[] } => {
  const notes: AcrNote[] = [];
  const carried = given.flatMap((text, index) => {
    const name = constants(text, names);
    if (!namesHost(name) && names.loginServer === undefined) {
      return leftOut(
        `${field}[${index}]`,
        `${text} is in the registry of the task, whose login server is not in the file.`,
        'Say it: --registry myregistry.azurecr.io',
      );
    }
    const whole = namesHost(name) ? name : `${names.loginServer}/${name}`;
    try {
      renderImageName(whole, example);
      return [whole];
    } catch (error) {
      notes.push({
        field: `${field}[${index}]`,
        what: `${text} is not pushed. ${(error as Error).message}`,
        todo: 'Name the image with {{.Run.ID}}, {{.Run.Date}} or a fixed tag.',
      });
      return [];
    }
  });
  const [first] = notes;
  if (first && carried.length === 0) return leftOut(first.field, first.what, first.todo);
  return { names: carried, notes };
};
