import type { TaskDefinition } from '#libs/contracts';
import type { TaskPlan } from './scenario.js';

/** A plan as the task resource that the product knows; another revision is another definition. */
export const definitionOf = (plan: TaskPlan, revision: number): TaskDefinition => ({
  name: plan.name,
  team: plan.team ?? 'platform',
  status: plan.enabled ? 'Enabled' : 'Disabled',
  platforms: [...plan.platforms],
  agentConfiguration: { cpu: 2 },
  agentPoolName: 'default',
  timeout: 3600,
  step: {
    type: 'Docker',
    contextPath: `https://git.test/${plan.name}.git`,
    dockerFilePath: 'Dockerfile',
    imageNames: [...plan.outputs, `registry.test/${plan.name}:{{.Run.ID}}`],
    isPushEnabled: true,
    noCache: false,
    arguments: [{ name: 'REVISION', value: String(revision), isSecret: false }],
  },
  trigger: {
    baseImageTrigger:
      plan.tracks === 'Nothing'
        ? null
        : {
            name: 'defaultBaseimageTriggerName',
            baseImageTriggerType: plan.tracks,
            status: plan.triggerEnabled ? 'Enabled' : 'Disabled',
          },
  },
  tags: {},
});
