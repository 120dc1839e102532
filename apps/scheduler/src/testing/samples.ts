import { taskDefinitionSchema, type TaskDefinition } from '#libs/contracts';

/** A task as it is stored, every default filled in. */
export const definitionOf = (name: string, step: Partial<TaskDefinition['step']> = {}): TaskDefinition =>
  taskDefinitionSchema.parse({
    name,
    team: 'web',
    platforms: ['linux/amd64'],
    step: {
      type: 'Docker',
      contextPath: `context://sha256:${'0'.repeat(64)}`,
      imageNames: [`registry.test/${name}:1`],
      ...step,
    },
  });
